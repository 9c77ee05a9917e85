import type { RepositoryProvider } from './repository-provider.ts';
import type { UntypedDatabase } from './stored-row.ts';

/** What a provider has that opens transactions by itself. */
interface Transacting {
  transaction<Result>(work: (tx: UntypedDatabase) => Promise<Result>): Promise<Result>;
}

/**
 * Runs work in the transaction of a handle, or in one of its own where it is none.
 *
 * @param on the handle of the call; undefined where it stands for itself
 */
export function inTransaction<DB, Result>(
  provider: RepositoryProvider<DB>,
  on: UntypedDatabase | undefined,
  work: (tx: UntypedDatabase) => Promise<Result>,
): Promise<Result> {
  const db = on ?? (provider.db as unknown as UntypedDatabase);
  if (db.isTransaction) return work(db);
  const own = provider as Partial<Transacting>;
  // Not for a handle that was handed in: it may be of another connection.
  if (on === undefined && own.transaction !== undefined) return own.transaction(work);
  return db.transaction().execute(work);
}
