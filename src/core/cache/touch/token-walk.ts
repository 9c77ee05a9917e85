import type { SqlToken } from '../../engine/sql-tokens.ts';
import { tableName } from '../tags.ts';

/** Walks along the tokens of a statement, each once. */
export class TokenWalk {
  readonly tokens: readonly SqlToken[];
  at: number;

  /** @param at where it begins */
  constructor(tokens: readonly SqlToken[], at = 0) {
    this.tokens = tokens;
    this.at = at;
  }

  /** The token that comes next, or one behind it. */
  peek(ahead = 0): SqlToken | undefined {
    return this.tokens[this.at + ahead];
  }

  /** Whether a keyword comes next, or behind that. */
  isWord(word: string, ahead = 0): boolean {
    return isWordToken(this.peek(ahead), word);
  }

  /** Whether a sign comes next, or behind that. */
  isSign(sign: string, ahead = 0): boolean {
    return isSignToken(this.peek(ahead), sign);
  }

  /** Takes keywords where they come next, all or none. */
  take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => this.isWord(word, index))) return false;
    this.at += words.length;
    return true;
  }

  /** Takes a sign where it comes next. */
  takeSign(sign: string): boolean {
    if (!this.isSign(sign)) return false;
    this.at += 1;
    return true;
  }

  /** Takes a name, in whatever quotes. */
  takeName(): string | undefined {
    const token = this.peek();
    if (token === undefined || (token.kind !== 'word' && token.kind !== 'name')) return undefined;
    this.at += 1;
    return token.text.toLowerCase();
  }

  /** Takes the name of a table, and returns it without its schema. */
  takeTable(): string | undefined {
    let name: string | undefined;
    do {
      name = this.takeName();
    } while (name !== undefined && this.takeSign('.'));
    return name === undefined ? undefined : tableName(name);
  }

  /** Takes names in parentheses with commas between them, and nothing else. */
  takeNames(): readonly string[] | undefined {
    if (!this.takeSign('(')) return undefined;
    const names: string[] = [];
    do {
      const name = this.takeName();
      if (name === undefined) return undefined;
      names.push(name);
    } while (this.takeSign(','));
    return this.takeSign(')') ? names : undefined;
  }

  /** Passes over what is inside of parentheses that are open around the next token, up to one of some tokens. */
  takeUntil(isEnd: (token: SqlToken) => boolean): readonly SqlToken[] {
    const start = this.at;
    const depth = this.peek()?.depth ?? 0;
    for (let token = this.peek(); token !== undefined; token = this.peek()) {
      if (token.depth < depth || (token.depth === depth && isEnd(token))) break;
      this.at += 1;
    }
    return this.tokens.slice(start, this.at);
  }
}

/** Whether a token is a keyword. A name in quotes is none. */
export function isWordToken(token: SqlToken | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word;
}

/** Whether a token is a sign. */
export function isSignToken(token: SqlToken | undefined, sign: string): boolean {
  return token?.kind === 'sign' && token.text === sign;
}
