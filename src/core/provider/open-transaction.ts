import type { DatabaseConnection, TransactionSettings } from 'kysely';
import { transactionAborted } from '../engine/transaction-aborted.ts';
import { transactionClosed } from '../engine/transaction-closed.ts';
import type { TransactionFailure } from '../engine/transaction-standing.ts';
import { CommitOutcomeUnknownError } from '../foundation/errors/connection-errors.ts';
import { suppress } from './suppressed-error.ts';
import { TransactionScope, type TransactionParts } from './transaction-scope.ts';

/** A transaction that has begun, on a connection that it gives back when it ends. It ends once. */
export class OpenTransaction<DB> {
  readonly scope: TransactionScope<DB>;
  readonly #parts: TransactionParts<DB>;
  readonly #connection: DatabaseConnection;
  #end: Promise<void> | undefined;

  /**
   * @param connection its transaction has begun; it belongs to this object from now on
   * @param number that of the transaction
   */
  constructor(
    parts: TransactionParts<DB>,
    connection: DatabaseConnection,
    settings: TransactionSettings,
    number: number,
  ) {
    this.#parts = parts;
    this.#connection = connection;
    this.scope = new TransactionScope<DB>(parts, connection, settings, number);
  }

  /** Whether its end has begun. */
  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  /**
   * Commits, gives the connection back and runs the hooks.
   *
   * @throws TransactionAbortedError where a statement has failed, and the error of the commit; it is rolled back
   *   then, unless the error says that nobody knows
   */
  commit(): Promise<void> {
    this.#end ??= this.#commit();
    return this.#end;
  }

  /**
   * Rolls back, gives the connection back and runs the hooks. Never rejects: what the rollback itself meets is
   * attached to the failure.
   *
   * @param failure why, where it is not on purpose
   */
  rollback(failure?: TransactionFailure): Promise<void> {
    this.#end ??= this.#stopAndRollBack(failure);
    return this.#end;
  }

  /** Waits for the end that has begun. Never rejects. */
  async ended(): Promise<void> {
    await this.#end?.catch(() => {});
  }

  async #commit(): Promise<void> {
    const { driver } = this.#parts;
    try {
      await this.scope.finish();
      if (this.scope.failure !== undefined) throw transactionAborted(this.scope.failure.error);
      await driver.commitTransaction(this.#connection);
    } catch (error) {
      this.scope.abandon(error);
      await this.#rollBack({ error });
      // Where nobody knows the outcome, neither kind of hook would be true.
      if (!(error instanceof CommitOutcomeUnknownError)) await this.scope.hooks.runAfterRollback(error);
      throw error;
    }
    this.scope.keep();
    await this.#giveBack();
    await this.scope.hooks.runAfterCommit();
  }

  async #stopAndRollBack(failure: TransactionFailure | undefined): Promise<void> {
    this.scope.abandon(failure === undefined ? transactionClosed() : failure.error);
    await this.scope.stop();
    await this.#rollBack(failure);
    await this.scope.hooks.runAfterRollback(failure?.error);
  }

  async #rollBack(failure: TransactionFailure | undefined): Promise<void> {
    const { driver, logger } = this.#parts;
    try {
      await driver.rollbackTransaction(this.#connection);
    } catch (error) {
      if (!suppress(failure?.error, error))
        logger.error({ error }, 'a rollback failed; its connection is given up');
    }
    await this.#giveBack();
  }

  /** Whatever it meets, the outcome is known already. */
  async #giveBack(): Promise<void> {
    const { driver, logger } = this.#parts;
    try {
      await driver.releaseConnection(this.#connection);
    } catch (error) {
      logger.error({ error }, 'a connection could not be given back behind its transaction');
    }
  }
}
