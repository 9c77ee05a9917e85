import type { IsolationLevel, QueryExecutorProvider } from 'kysely';

/**
 * Whatever runs work in transactions and hands out Kysely handles. A DatabaseProvider fits as it is; a unit of work
 * or plain Kysely is wrapped in a line.
 *
 * @example
 * const plain: TransactionSource = { db, transaction: (work) => db.transaction().execute(work) };
 */
export interface TransactionSource {
  /** The root handle. */
  readonly db: QueryExecutorProvider;
  /** Runs work in a transaction: commits where it resolves, rolls back where it rejects. It may run it again. */
  transaction<Result>(
    work: (tx: QueryExecutorProvider, tools?: ScopeTools) => Promise<Result>,
    options?: { readonly isolation?: IsolationLevel; readonly readOnly?: boolean },
  ): Promise<Result>;
}

/** What a running transaction may offer beside its handle. What is left out is not checked. */
export interface ScopeTools {
  /** Runs work in a nested scope, such as a savepoint. */
  readonly nested?: <Result>(
    work: (tx: QueryExecutorProvider, tools?: ScopeTools) => Promise<Result>,
  ) => Promise<Result>;
  /** Has something called once after the outermost commit. */
  readonly afterCommit?: (hook: () => Promise<void>) => void;
  /** Has something called once the scope has been rolled back. */
  readonly afterRollback?: (hook: () => Promise<void>) => void;
}
