import type { CompiledQuery, QueryResult } from 'kysely';
import type { SqliteDatabase } from './sqlite-database.ts';
import { translateSqliteError } from './sqlite-errors.ts';

export type Results = readonly QueryResult<unknown>[];

/** One caller's work: a statement, or a batch of them that is one transaction. */
export interface QueuedWrite {
  readonly queries: readonly CompiledQuery[];
  /** A batch of one statement is undone like one of many; a single statement is on its own. */
  readonly isBatch: boolean;
  /** Whether its caller has given up; it must not run any more. */
  isGone: boolean;
  resolve: (results: Results) => void;
  reject: (error: unknown) => void;
}

type Outcome = { readonly results: Results } | { readonly error: unknown };

/** How long a group may run before it commits, in ms: others want the event loop. */
const longestGroup = 10;

/**
 * Serves members in one transaction, or one member on its own.
 *
 * @returns those for whom the time did not suffice
 * @throws the error of SQLite where another process holds the lock; nothing has happened then
 */
export function serve<Write extends QueuedWrite>(database: SqliteDatabase, group: readonly Write[]): Write[] {
  const members = group.filter(({ isGone }) => !isGone);
  const [first] = members;
  if (first === undefined) return [];
  if (members.length === 1) {
    settle(first, runAlone(database, first));
    return [];
  }
  const outcomes = runTogether(database, members);
  // None has been answered. On their own each one runs as if there had been no group.
  if (outcomes === undefined) return serveOneByOne(database, members);
  outcomes.forEach((outcome, index) => settle(members[index] as Write, outcome));
  return members.slice(outcomes.length);
}

/** Up to the first that meets a lock of another process, which the others then wait for. */
function serveOneByOne<Write extends QueuedWrite>(
  database: SqliteDatabase,
  members: readonly Write[],
): Write[] {
  for (const [index, member] of members.entries()) {
    try {
      settle(member, runAlone(database, member));
    } catch (error) {
      if (index === 0 || !isLocked(error)) throw error;
      return members.slice(index);
    }
  }
  return [];
}

function settle(member: QueuedWrite, outcome: Outcome): void {
  if ('error' in outcome) member.reject(translateSqliteError(outcome.error));
  else member.resolve(outcome.results);
}

/** @throws where another process holds the lock */
function runAlone(database: SqliteDatabase, { queries, isBatch }: QueuedWrite): Outcome {
  const isTransaction = isBatch && queries.length > 1;
  if (isTransaction) database.command('begin immediate');
  try {
    const results = runAll(database, queries);
    if (isTransaction) database.command('commit');
    return { results };
  } catch (error) {
    if (isTransaction) database.rollBack();
    if (!isTransaction && isLocked(error)) throw error;
    return { error };
  }
}

/**
 * @returns an outcome each, as far as the time sufficed; undefined where nothing of it was kept
 * @throws where another process holds the lock
 */
function runTogether(database: SqliteDatabase, members: readonly QueuedWrite[]): Outcome[] | undefined {
  const start = performance.now();
  const outcomes: Outcome[] = [];
  database.command('begin immediate');
  try {
    for (const member of members) {
      outcomes.push(member.isBatch ? runBatch(database, member) : runOne(database, member));
      if (!database.inTransaction) return undefined;
      if (performance.now() - start > longestGroup) break;
    }
    database.command('commit');
    return outcomes;
  } catch {
    // A deferred foreign key, or a full disk: whose fault it is shows on their own.
    database.rollBack();
    return undefined;
  }
}

/** SQLite undoes a statement that fails by itself, as it would outside of a transaction. */
function runOne(database: SqliteDatabase, { queries }: QueuedWrite): Outcome {
  try {
    return { results: runAll(database, queries) };
  } catch (error) {
    return { error };
  }
}

function runBatch(database: SqliteDatabase, { queries }: QueuedWrite): Outcome {
  database.command('savepoint liminal_member');
  try {
    const results = runAll(database, queries);
    database.command('release liminal_member');
    return { results };
  } catch (error) {
    if (database.inTransaction) {
      database.command('rollback to liminal_member');
      database.command('release liminal_member');
    }
    return { error };
  }
}

function runAll(database: SqliteDatabase, queries: readonly CompiledQuery[]): Results {
  return queries.map(({ sql, parameters }) => database.run(sql, parameters));
}

/** Whether another process holds the lock. */
export function isLocked(error: unknown): boolean {
  return String((error as { code?: unknown } | null)?.code).startsWith('SQLITE_BUSY');
}

/** Refuses them all. @returns who is left: nobody */
export function refuse<Write extends QueuedWrite>(members: readonly Write[], error: unknown): Write[] {
  for (const member of members) member.reject(translateSqliteError(error));
  return [];
}
