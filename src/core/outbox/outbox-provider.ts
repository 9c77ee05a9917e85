import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { NotificationListener, Subscription } from '../engine/notifications.ts';
import type { TransactionOptions } from '../provider/transaction-options.ts';

/** The part of a provider that the outbox needs, whatever its tables are; `DatabaseProvider` fits. */
export interface OutboxProvider {
  /** The root handle. */
  readonly db: object;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** Runs work in one transaction. */
  transaction<Result>(
    work: (tx: object) => Promise<Result>,
    options?: Pick<TransactionOptions, 'isolation' | 'retry'>,
  ): Promise<Result>;
  /** Listens to notifications; absent, or without a result, where the engine cannot. */
  listen?(channel: string, listener: NotificationListener): Subscription | undefined;
}
