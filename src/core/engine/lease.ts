import type { DatabaseConnection, TransactionSettings } from 'kysely';
import type { StatementTiming } from '../foundation/statement-timing.ts';

/** How a transaction begins. */
export interface LeaseSettings extends TransactionSettings {
  /** Is told while it waits for its connection, where the lease takes one only now; absent where nobody listens. */
  readonly timing?: StatementTiming | undefined;
}

/**
 * A connection, lent once: it runs transactions, and gives itself back. `LeasingDriver` guards every lease:
 * nothing reaches it while it commits or rolls back, nor after its release, and it is released once. A statement
 * that it rejects has failed, and so has its transaction; one that its caller aborted may resolve to no rows instead.
 */
export interface Lease extends DatabaseConnection {
  /** Begins a transaction. It throws ValidationError for settings that the engine does not have. */
  begin(settings: LeaseSettings): Promise<void>;
  /** Commits. It throws where nothing was committed, and CommitOutcomeUnknownError where nobody knows. */
  commit(): Promise<void>;
  /**
   * Rolls back. What cannot be rolled back any more is given up with its connection, and it throws what it met: the
   * connection may not be lent again, whatever the caller makes of the error.
   */
  rollback(): Promise<void>;
  /** It ends at once where nothing is to be cleaned: after a stream Kysely does not wait for it. */
  release(): Promise<void>;
}
