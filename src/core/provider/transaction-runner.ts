import { Transaction, type DatabaseConnection, type Driver, type TransactionSettings } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import type { StatementListener } from '../foundation/statement-event.ts';
import { bindHandle } from '../query/statement-target.ts';
import { observeConnection } from './observed-connection.ts';
import type { ProviderKysely } from './provider-kysely.ts';
import { TransactionConnection } from './transaction-connection.ts';

/** What transactions are made of. */
export interface TransactionParts<DB> {
  /** Whose executor compiles, with its plugins. */
  readonly db: ProviderKysely<DB>;
  /** Lends connections, and begins and ends transactions on them. */
  readonly driver: Driver;
  /** Hears every statement; undefined where nobody does. */
  readonly listener: StatementListener | undefined;
  readonly clock: Clock;
  /** Hears of a rollback that failed behind another error. */
  readonly logger: Logger;
}

/**
 * Runs work in transactions. Kysely's own builder does the same by longer ways: here a statement of the
 * transaction goes to its connection without a detour, one after the other, and after the end it is refused.
 */
export class TransactionRunner<DB> {
  readonly #parts: TransactionParts<DB>;
  #isReady = false;

  constructor(parts: TransactionParts<DB>) {
    this.#parts = parts;
  }

  /**
   * Commits when the work returns, rolls back when it throws.
   *
   * @throws what the work throws: where the rollback fails as well, the first error is the one that is told
   */
  async run<Result>(
    settings: TransactionSettings,
    work: (tx: Transaction<DB>) => Promise<Result>,
  ): Promise<Result> {
    const { driver } = this.#parts;
    if (!this.#isReady) {
      await driver.init();
      this.#isReady = true;
    }
    const connection = await driver.acquireConnection();
    try {
      await driver.beginTransaction(connection, settings);
      return await this.#runOn(connection, work);
    } finally {
      await driver.releaseConnection(connection);
    }
  }

  async #runOn<Result>(
    connection: DatabaseConnection,
    work: (tx: Transaction<DB>) => Promise<Result>,
  ): Promise<Result> {
    const { driver, listener, clock } = this.#parts;
    const observed = listener === undefined ? connection : observeConnection(connection, listener, clock);
    const statements = new TransactionConnection(observed);
    try {
      const result = await work(this.#handleOn(statements));
      await driver.commitTransaction(connection);
      return result;
    } catch (error) {
      await this.#rollBack(connection);
      throw error;
    } finally {
      statements.close();
    }
  }

  #handleOn(statements: TransactionConnection): Transaction<DB> {
    const { db, driver } = this.#parts;
    const executor = db.getExecutor().withConnectionProvider(statements);
    const handle = new Transaction<DB>({ config: db.config, dialect: db.config.dialect, driver, executor });
    if (executor.plugins.length === 0) bindHandle(handle, statements);
    return handle;
  }

  async #rollBack(connection: DatabaseConnection): Promise<void> {
    try {
      await this.#parts.driver.rollbackTransaction(connection);
    } catch (error) {
      this.#parts.logger.error({ error }, 'a rollback failed behind the error that caused it');
    }
  }
}
