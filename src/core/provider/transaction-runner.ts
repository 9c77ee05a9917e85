import type { DatabaseConnection, TransactionSettings } from 'kysely';
import { trackHoldings } from '../pool/holding.ts';
import { OpenTransaction } from './open-transaction.ts';
import { suppress } from './suppressed-error.ts';
import { numberTransaction } from './traced-connection.ts';
import { nextTransactionNumber } from './transaction-context.ts';
import type { TransactionParts, TransactionScope } from './transaction-scope.ts';

/** What is known of work in a transaction beside what it returns. */
export interface TransactionRun<DB> {
  /** The scope that it runs in; undefined until it has begun. */
  scope?: TransactionScope<DB>;
}

/**
 * Begins and ends transactions. Kysely's own builder does the same by longer ways: here a statement of the
 * transaction goes to its connection without a detour.
 */
export class TransactionRunner<DB> {
  readonly #parts: TransactionParts<DB>;
  #isReady = false;

  constructor(parts: TransactionParts<DB>) {
    this.#parts = parts;
  }

  /**
   * Begins a transaction that its caller ends.
   *
   * @param signal ends the wait for a connection; where it fires later, the transaction is rolled back
   * @param run learns of the scope in the moment in which the signal is looked at for the last time
   */
  async begin(
    settings: TransactionSettings,
    signal?: AbortSignal,
    run: TransactionRun<DB> = {},
  ): Promise<OpenTransaction<DB>> {
    const { driver } = this.#parts;
    if (!this.#isReady) {
      await driver.init();
      this.#isReady = true;
    }
    const connection = await driver.acquireConnection(signal && { signal });
    const number = nextTransactionNumber();
    numberTransaction(connection, number);
    try {
      await driver.beginTransaction(connection, settings);
    } catch (error) {
      await this.#giveUp(connection, error);
      throw error;
    }
    const transaction = new OpenTransaction(this.#parts, connection, settings, number);
    // From here on the signal ends the scope. Between the one and the other nobody would hear it, and the work of a
    // caller who was let go would be kept.
    run.scope = transaction.scope;
    if (signal?.aborted === true) {
      await transaction.rollback({ error: signal.reason });
      throw signal.reason;
    }
    return transaction;
  }

  /**
   * Runs work in a transaction: commits when it returns, rolls back when it throws.
   *
   * @param signal frees the caller until COMMIT is begun; what is under way is cancelled where the engine can, and
   *   rolled back behind the caller's back
   * @param run learns of the scope
   * @throws what the work throws: where the rollback fails as well, the first error is the one that is told
   */
  run<Result>(
    settings: TransactionSettings,
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    signal?: AbortSignal,
    run: TransactionRun<DB> = {},
  ): Promise<Result> {
    return leaveOnAbort(signal, run, () => trackHoldings(() => this.#live(settings, work, signal, run)));
  }

  #runIn<Result>(
    scope: TransactionScope<DB>,
    work: (scope: TransactionScope<DB>) => Promise<Result>,
  ): Promise<Result> {
    const { listener } = this.#parts;
    return listener === undefined ? scope.run(work) : listener.runIn(scope.number, () => scope.run(work));
  }

  async #giveUp(connection: DatabaseConnection, failure: unknown): Promise<void> {
    const { driver, logger } = this.#parts;
    try {
      await driver.releaseConnection(connection);
    } catch (error) {
      if (!suppress(failure, error))
        logger.error({ error }, 'a connection could not be given back whose transaction could not begin');
    }
  }

  async #live<Result>(
    settings: TransactionSettings,
    work: (scope: TransactionScope<DB>) => Promise<Result>,
    signal: AbortSignal | undefined,
    run: TransactionRun<DB>,
  ): Promise<Result> {
    const transaction = await this.begin(settings, signal, run);
    let result: Result;
    try {
      result = await this.#runIn(transaction.scope, work);
    } catch (error) {
      await transaction.rollback({ error });
      throw error;
    }
    await transaction.commit();
    return result;
  }
}

/**
 * Runs work that its caller leaves when a signal fires, unless the end of its scope has begun: then that decides.
 *
 * @param run where the work puts its scope
 */
export function leaveOnAbort<DB, Result>(
  signal: AbortSignal | undefined,
  run: TransactionRun<DB>,
  live: () => Promise<Result>,
): Promise<Result> {
  if (signal === undefined) return live();
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      if (run.scope?.abort(signal.reason) !== false) reject(signal.reason as Error);
    };
    signal.addEventListener('abort', leave, { once: true });
    // First of all: a signal that fires behind the end must not undo what the caller is told of.
    live()
      .finally(() => signal.removeEventListener('abort', leave))
      .then(resolve, reject);
  });
}
