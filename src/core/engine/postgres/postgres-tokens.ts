import { tokensOf, type SqlToken } from '../sql-tokens.ts';
import { splitAt, startsWith } from '../token-reader.ts';

/** @returns the tokens of SQL text, as Postgres reads it with `standard_conforming_strings` on */
export function postgresTokens(sql: string): readonly SqlToken[] {
  return tokensOf(sql, { nameQuotes: ['""'], commentsNest: true, dollarQuotes: true, foldsNames: false });
}

/** @returns the statements of SQL text. The body of a function between BEGIN ATOMIC and END stays one with it. */
export function postgresStatements(sql: string): readonly (readonly SqlToken[])[] {
  const tokens = postgresTokens(sql);
  const hasBody = tokens.some((_, index) => startsWith(tokens.slice(index, index + 2), ['begin', 'atomic']));
  return hasBody ? [tokens] : splitAt(tokens, ';');
}
