import type { SqlToken } from './sql-tokens.ts';

/** Reads tokens from the left, by keywords and names. It knows no grammar. */
export class TokenReader {
  readonly #tokens: readonly SqlToken[];
  #at = 0;

  /** @param tokens of one statement, or of a part of it */
  constructor(tokens: readonly SqlToken[]) {
    this.#tokens = tokens;
  }

  /** What is still to be read. */
  get rest(): readonly SqlToken[] {
    return this.#tokens.slice(this.#at);
  }

  /** Takes keywords where they come next, all of them or none. */
  take(...words: readonly string[]): boolean {
    if (!startsWith(this.rest, words)) return false;
    this.#at += words.length;
    return true;
  }

  /** Takes the first of some keywords that comes next. */
  takeOneOf(...words: readonly string[]): string | undefined {
    return words.find((word) => this.take(word));
  }

  /** Takes a sign where it comes next. */
  takeSign(sign: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'sign' || token.text !== sign) return false;
    this.#at += 1;
    return true;
  }

  /** Takes a name with the schema in front of it, in whatever quotes. */
  takeName(): readonly string[] | undefined {
    const parts: string[] = [];
    do {
      const token = this.#tokens[this.#at];
      if (token === undefined || (token.kind !== 'word' && token.kind !== 'name')) break;
      parts.push(token.text);
      this.#at += 1;
    } while (this.takeSign('.'));
    return parts.length === 0 ? undefined : parts;
  }

  /** Passes over everything up to a keyword that stands in no parentheses of its own, and takes it. */
  skipPast(word: string): boolean {
    const index = findWord(this.rest, word);
    if (index < 0) return false;
    this.#at += index + 1;
    return true;
  }

  /** Passes over what stands in parentheses, where that comes next. */
  skipParentheses(): readonly SqlToken[] {
    const [open] = this.rest;
    if (open === undefined || !this.takeSign('(')) return [];
    const start = this.#at;
    while (this.#at < this.#tokens.length && (this.#tokens[this.#at] as SqlToken).depth > open.depth)
      this.#at += 1;
    const inside = this.#tokens.slice(start, this.#at);
    this.takeSign(')');
    return inside;
  }

  /** Takes names with commas between them, as DROP TABLE has them. */
  takeNames(): readonly (readonly string[])[] {
    const names: (readonly string[])[] = [];
    do {
      const name = this.takeName();
      if (name === undefined) break;
      names.push(name);
    } while (this.takeSign(','));
    return names;
  }
}

/** Whether tokens begin with keywords. A name in quotes is no keyword. */
export function startsWith(tokens: readonly SqlToken[], words: readonly string[]): boolean {
  return words.every((word, index) => isWord(tokens[index], word));
}

/** Whether a token is a keyword. */
export function isWord(token: SqlToken | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word;
}

/** Whether keywords stand somewhere, one behind the other, in no parentheses but those around all the tokens. */
export function holds(tokens: readonly SqlToken[], ...words: readonly string[]): boolean {
  return findWords(tokens, words) >= 0;
}

/** Where a keyword stands in no parentheses of its own; -1 where nowhere. */
export function findWord(tokens: readonly SqlToken[], word: string): number {
  return findWords(tokens, [word]);
}

function findWords(tokens: readonly SqlToken[], words: readonly string[]): number {
  const depth = baseDepth(tokens);
  return tokens.findIndex((token, index) => token.depth === depth && startsWith(tokens.slice(index), words));
}

/** Cuts tokens at a sign that stands in no parentheses of its own. Empty parts are left out. */
export function splitAt(tokens: readonly SqlToken[], sign: string): readonly (readonly SqlToken[])[] {
  const depth = baseDepth(tokens);
  const parts: SqlToken[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'sign' && token.text === sign && token.depth === depth) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

function baseDepth(tokens: readonly SqlToken[]): number {
  return tokens.reduce((least, { depth }) => Math.min(least, depth), tokens[0]?.depth ?? 0);
}
