import { tokensOf, type SqlToken } from '../sql-tokens.ts';
import { splitAt, TokenReader } from '../token-reader.ts';

/** @returns the tokens of SQL text, as SQLite reads it; names are one whatever their case is */
function sqliteTokens(sql: string): readonly SqlToken[] {
  return tokensOf(sql, {
    nameQuotes: ['""', '``', '[]'],
    commentsNest: false,
    dollarQuotes: false,
    foldsNames: true,
  });
}

/** @returns the statements of SQL text. What a trigger does stays one with it. */
export function sqliteStatements(sql: string): readonly (readonly SqlToken[])[] {
  const tokens = sqliteTokens(sql);
  const reader = new TokenReader(tokens);
  reader.take('create');
  reader.takeOneOf('temp', 'temporary');
  return reader.take('trigger') ? [tokens] : splitAt(tokens, ';');
}
