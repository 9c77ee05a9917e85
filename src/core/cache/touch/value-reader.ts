import type { SqlToken } from '../../engine/sql-tokens.ts';
import { isSignToken, isWordToken } from './token-walk.ts';
import type { ValuePlace } from './touch.ts';

/** Reads values that stand alone: parameters, and numbers and strings in the text. */
export class ValueReader {
  readonly #numbered: boolean;
  /** Which parameter each `?` is; undefined where they are numbered or named. */
  readonly #places: ReadonlyMap<SqlToken, number> | undefined;

  /**
   * @param tokens of the whole statement
   * @param numbered whether parameters are `$1`; else `?`
   */
  constructor(tokens: readonly SqlToken[], numbered: boolean) {
    this.#numbered = numbered;
    this.#places = numbered ? undefined : countMarks(tokens);
  }

  /** @returns undefined where the tokens are no such value */
  read(tokens: readonly SqlToken[]): ValuePlace | undefined {
    const bare = withoutCast(tokens);
    const [first, second] = bare;
    if (first === undefined) return undefined;
    if (bare.length === 1) {
      if (first.kind === 'number') return integerOf(first.text);
      if (first.kind === 'string') return textOf(first.text);
      const parameter = this.#places?.get(first);
      return parameter === undefined ? undefined : { parameter };
    }
    const isNumbered =
      this.#numbered && bare.length === 2 && isSignToken(first, '$') && first.end === second?.start;
    return isNumbered && second?.kind === 'number' && /^[1-9]\d{0,5}$/u.test(second.text)
      ? { parameter: Number(second.text) - 1 }
      : undefined;
  }
}

/** @returns undefined where one of them has a number or a name, so that counting says nothing */
function countMarks(tokens: readonly SqlToken[]): ReadonlyMap<SqlToken, number> | undefined {
  const places = new Map<SqlToken, number>();
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== 'sign') continue;
    if (token.text === ':' || token.text === '@' || token.text === '$') return undefined;
    if (token.text !== '?') continue;
    const next = tokens[index + 1];
    if (next?.kind === 'number' && next.start === token.end) return undefined;
    places.set(token, places.size);
  }
  return places;
}

/** A string without its quotes; undefined for one that is written in another way. */
function textOf(token: string): ValuePlace | undefined {
  const isPlain = token.startsWith("'") && token.endsWith("'") && token.length > 1;
  return isPlain ? { text: token.slice(1, -1).replaceAll("''", "'") } : undefined;
}

/** Another number may be rounded to a key. */
function integerOf(token: string): ValuePlace | undefined {
  return /^\d+$/u.test(token) ? { text: token } : undefined;
}

/** Casts to these change no key: another one may cut it or round it. */
function isHarmless(type: SqlToken | undefined): boolean {
  return isWordToken(type, 'uuid') || isWordToken(type, 'text');
}

/** Reads `cast(value as text)` and `value::text` as the value. */
function withoutCast(tokens: readonly SqlToken[]): readonly SqlToken[] {
  const { length } = tokens;
  if (isWordToken(tokens[0], 'cast') && isSignToken(tokens[1], '(') && isSignToken(tokens[length - 1], ')')) {
    const isCast = isWordToken(tokens[length - 3], 'as') && isHarmless(tokens[length - 2]);
    return isCast ? tokens.slice(2, -3) : tokens;
  }
  const isCast = isSignToken(tokens[length - 3], ':') && isSignToken(tokens[length - 2], ':');
  return isCast && isHarmless(tokens[length - 1]) ? tokens.slice(0, -3) : tokens;
}
