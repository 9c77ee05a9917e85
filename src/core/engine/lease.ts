import type { DatabaseConnection, TransactionSettings } from 'kysely';

/**
 * A connection, lent once: it runs transactions, and gives itself back. `LeasingDriver` guards every lease:
 * nothing reaches it while it commits or rolls back, nor after its release, and it is released once.
 */
export interface Lease extends DatabaseConnection {
  begin(settings: TransactionSettings): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** It ends at once where nothing is to be cleaned: after a stream Kysely does not wait for it. */
  release(): Promise<void>;
}
