import { isWord, TokenReader } from '../token-reader.ts';
import { postgresStatements, postgresTokens } from './postgres-tokens.ts';

/** Statements that cannot run in a transaction, nor have a form that can. */
const never: readonly (readonly string[])[] = [
  ['vacuum'],
  ['create', 'database'],
  ['drop', 'database'],
  ['create', 'tablespace'],
  ['drop', 'tablespace'],
  ['create', 'subscription'],
  ['drop', 'subscription'],
  ['alter', 'system'],
  ['discard', 'all'],
  ['begin'],
  ['start', 'transaction'],
  ['commit'],
  ['end'],
  ['abort'],
];

/**
 * Says what to run in a transaction in place of a statement that cannot run in one: CREATE and DROP INDEX and DETACH
 * PARTITION lose their CONCURRENTLY.
 *
 * @returns the text itself where it can run; undefined where nothing is to run
 */
export function runnableOnPostgres(sql: string): string | undefined {
  const [tokens = []] = postgresStatements(sql);
  const starts = (...words: readonly string[]) => new TokenReader(tokens).take(...words);
  if (never.some((words) => starts(...words))) return undefined;
  if (starts('rollback')) return tokens.some((token) => isWord(token, 'to')) ? sql : undefined;
  if (starts('cluster'))
    return tokens.some(({ kind }, index) => index > 0 && kind !== 'sign') ? sql : undefined;
  const concurrently = tokens.find((token) => isWord(token, 'concurrently'));
  if (starts('reindex')) {
    const isWide = ['schema', 'database', 'system'].some((word) =>
      tokens.some((token) => isWord(token, word)),
    );
    return isWide || concurrently !== undefined ? undefined : sql;
  }
  if (concurrently === undefined || starts('refresh')) return sql;
  const isDdl = starts('create') || starts('drop') || starts('alter');
  return isDdl ? `${sql.slice(0, concurrently.start)}${sql.slice(concurrently.end)}` : sql;
}

/** The columns that a statement makes NOT NULL by `ALTER COLUMN … SET NOT NULL`. */
export function notNullColumnsOf(sql: string): readonly string[] {
  const tokens = postgresTokens(sql);
  return tokens.flatMap((token, index) =>
    new TokenReader(tokens.slice(index + 1)).take('set', 'not', 'null') ? [token.text] : [],
  );
}
