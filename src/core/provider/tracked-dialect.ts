import type { DatabaseConnection, Dialect, Driver, TransactionSettings } from 'kysely';
import { ForwardingDialect, ForwardingDriver } from '../engine/forwarding-dialect.ts';
import type { Logger } from '../foundation/logger.ts';
import { enterHoldings } from '../pool/holding.ts';
import { numberTransaction } from './traced-connection.ts';
import {
  enterTransaction,
  nextTransactionNumber,
  requireOutside,
  type RunningTransaction,
  type TrackedDatabase,
} from './transaction-context.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/**
 * The dialect of a root handle: inside of a running transaction it lends no connection, and what Kysely's own
 * builder runs as a transaction is one for the code inside as well.
 */
export class TrackedDialect extends ForwardingDialect {
  /** The only one: Kysely keeps it to itself, and who keeps a connection needs it as well. */
  readonly driver: TrackedDriver;

  /**
   * @param database whose transactions are looked for, and noted
   * @param logger hears of rollbacks that fail
   */
  constructor(inner: Dialect, database: TrackedDatabase, logger: Logger) {
    const driver = new TrackedDriver(inner.createDriver(), database, logger);
    super(inner, () => driver);
    this.driver = driver;
  }
}

/** A transaction that Kysely runs. */
interface KyselyTransaction extends RunningTransaction {
  state: RunningTransaction['state'];
}

export class TrackedDriver extends ForwardingDriver {
  readonly #database: TrackedDatabase;
  readonly #logger: Logger;
  readonly #transactions = new WeakMap<DatabaseConnection, KyselyTransaction>();

  constructor(inner: Driver, database: TrackedDatabase, logger: Logger) {
    super(inner, (send) => send);
    this.#database = database;
    this.#logger = logger;
  }

  /** The number of the transaction that Kysely runs on a connection; undefined where it runs none. */
  transactionOn(connection: DatabaseConnection): number | undefined {
    return this.#transactions.get(connection)?.number;
  }

  override async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    requireOutside(this.#database);
    return this.inner.acquireConnection(options);
  }

  /** Not `async`, and the context first: Kysely waits for it, and takes over the context of that moment. */
  override beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const transaction: KyselyTransaction = {
      database: this.#database,
      number: nextTransactionNumber(),
      state: 'open',
    };
    this.#transactions.set(connection, transaction);
    numberTransaction(connection, transaction.number);
    enterHoldings();
    enterTransaction(transaction);
    return this.inner.beginTransaction(connection, settings);
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.inner.commitTransaction(connection);
    this.#settle(connection, 'kept');
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#settle(connection, 'undone');
    try {
      await this.inner.rollbackTransaction(connection);
    } catch (error) {
      // Kysely would tell this error in place of the one that made it roll back, which only Kysely knows.
      this.#logger.error({ error }, 'a rollback failed; its connection is given up');
    }
  }

  override releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    this.#settle(connection, 'undone');
    return this.inner.releaseConnection(connection, options);
  }

  #settle(connection: DatabaseConnection, state: 'kept' | 'undone'): void {
    const transaction = this.#transactions.get(connection);
    if (transaction === undefined) return;
    this.#transactions.delete(connection);
    transaction.state = state;
  }
}
