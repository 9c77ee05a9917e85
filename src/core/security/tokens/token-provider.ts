import type { NotificationListener, Subscription } from '../../engine/notifications.ts';
import type { SqlVocabulary } from '../../engine/sql-vocabulary.ts';
import type { TransactionOptions } from '../../provider/transaction-options.ts';

/** The part of a provider that tokens need, whatever its tables are; `DatabaseProvider` fits. */
export interface TokenProvider {
  /** The root handle. */
  readonly db: object;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** Runs work in one transaction. */
  transaction<Result>(
    work: (tx: object) => Promise<Result>,
    options?: Pick<TransactionOptions, 'isolation' | 'retry' | 'timeout'>,
  ): Promise<Result>;
  /** Listens to notifications; absent, or without a result, where the engine cannot. */
  listen?(channel: string, listener: NotificationListener): Subscription | undefined;
}

/** Where something is written. */
export interface TokenCallOptions {
  /** The handle of the caller's transaction, so that it stands or falls with it. One of its own by default. */
  readonly on?: object;
}
