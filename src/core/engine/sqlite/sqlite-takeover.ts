import type { Database } from 'better-sqlite3';
import type { Clock } from '../../foundation/clock.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import { exists } from './durable-file.ts';
import { isBusy, waitForLock } from './lock-wait.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import { loadSqlite } from './sqlite-package.ts';

/** How long whoever just ends is waited for, in ms. */
const patience = 1_000;

/**
 * Takes a database away from everybody else: brings its write-ahead log into it, which leaves a single file, and
 * holds it until it is closed, so that nobody can open it meanwhile.
 *
 * @returns the connection that holds it; `broken` where SQLite cannot read the file; undefined where there is none
 * @throws DatabaseBusyError where somebody has it open
 */
export async function takeOver(target: string, clock: Clock): Promise<Database | 'broken' | undefined> {
  if (!(await exists(target))) return undefined;
  const openSqlite = await loadSqlite();
  let database: Database | undefined;
  try {
    database = openSqlite(target, { timeout: 0, fileMustExist: true });
    const held = database;
    await waitForLock(() => hold(held), patience, clock);
    return database;
  } catch (error) {
    database?.close();
    const { code = '' } = error as { readonly code?: string };
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return 'broken';
    throw isBusy(error) ? openError(target, error) : translateSqliteError(error, target);
  }
}

/** Leaving the write-ahead log succeeds only where nobody else has the database open, and takes the log away. */
function hold(database: Database): void {
  if (database.inTransaction) return;
  database.pragma('locking_mode = exclusive');
  database.pragma('journal_mode = delete');
  database.exec('begin exclusive');
}

function openError(target: string, cause: unknown): DatabaseBusyError {
  return new DatabaseBusyError(
    `${target} was to be replaced, but another process or provider has it open. Nothing was restored. Stop what uses it, then start again.`,
    { cause },
  );
}
