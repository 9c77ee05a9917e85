import { isToken, type SchemaToken } from './sqlite-schema-tokens.ts';

/** What stands behind the last token. */
const nothing: SchemaToken = { kind: 'sign', value: '' };

/** Walks over tokens, from the first to the last. */
export class SchemaTokenReader {
  readonly #tokens: readonly SchemaToken[];
  #at = 0;

  constructor(tokens: readonly SchemaToken[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Whether the next token is one of some bare words or signs. */
  isAt(...words: readonly string[]): boolean {
    return isToken(this.#tokens[this.#at], ...words);
  }

  /** Steps over some bare words or signs where they come next, all of them and in this order. */
  take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => isToken(this.#tokens[this.#at + index], word))) return false;
    this.#at += words.length;
    return true;
  }

  takeAny(): SchemaToken {
    const token = this.#tokens[this.#at] ?? nothing;
    this.#at += 1;
    return token;
  }

  /** SQLite takes a string for a name where only a name can stand. */
  takeName(): string {
    return this.takeAny().value;
  }

  skipTo(...words: readonly string[]): void {
    while (!this.isAtEnd && !this.isAt(...words)) this.#at += 1;
  }

  /** The tokens before the first of some words or signs outside of parentheses. */
  takeUntil(...words: readonly string[]): readonly SchemaToken[] {
    const start = this.#at;
    while (!this.isAtEnd && !this.isAt(...words)) {
      if (this.isAt('(')) this.takeGroup();
      else this.#at += 1;
    }
    return this.#tokens.slice(start, this.#at);
  }

  /** The tokens between the parenthesis that comes next and its counterpart. */
  takeGroup(): readonly SchemaToken[] {
    const start = this.#at + 1;
    let depth = 0;
    do {
      if (this.isAt('(')) depth += 1;
      else if (this.isAt(')')) depth -= 1;
      this.#at += 1;
    } while (depth > 0 && !this.isAtEnd);
    return this.#tokens.slice(start, this.#at - 1);
  }

  takeRest(): readonly SchemaToken[] {
    const rest = this.#tokens.slice(this.#at);
    this.#at = this.#tokens.length;
    return rest;
  }
}
