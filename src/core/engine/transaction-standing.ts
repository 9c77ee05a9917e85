import { transactionAborted } from './transaction-aborted.ts';
import { requireNoBoundary, transactionControlOf } from './transaction-control.ts';

/** Why a transaction cannot be kept; an error may be undefined, where somebody throws that. */
export interface TransactionFailure {
  readonly error: unknown;
}

/**
 * How the transaction of a connection stands. Once a statement of it has failed it comes to nothing, on every
 * engine: Postgres is so by itself; SQLite would go on, and half of the work would be kept. A failure that a rollback
 * to a savepoint has undone does not count.
 *
 * It also keeps SQL from ending the transaction behind the back of whoever runs it.
 */
export class TransactionStanding {
  #isBegun = false;
  #failure: TransactionFailure | undefined;

  /** The first failure that nothing has undone. */
  get failure(): TransactionFailure | undefined {
    return this.#failure;
  }

  begin(): void {
    this.#isBegun = true;
  }

  end(): void {
    this.#isBegun = false;
    this.#failure = undefined;
  }

  /**
   * Call it before each statement, and before each chunk of one.
   *
   * @throws TransactionAbortedError after a failure, for all but a rollback to a savepoint
   * @throws QueryError for SQL that begins or ends a transaction; that too is a failure
   */
  admit(sql: string): void {
    if (!this.#isBegun) return;
    if (this.#failure !== undefined && transactionControlOf(sql) !== 'undo')
      throw transactionAborted(this.#failure.error);
    try {
      requireNoBoundary(sql);
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Call it behind a statement that succeeded. */
  succeed(sql: string): void {
    if (this.#failure !== undefined && transactionControlOf(sql) === 'undo') this.#failure = undefined;
  }

  /** Notes a failure of the transaction, where one has begun. */
  fail(error: unknown): void {
    if (this.#isBegun) this.#failure ??= { error };
  }
}
