import type {
  DatabaseConnection,
  Dialect,
  DialectAdapter,
  Driver,
  QueryCompiler,
  TransactionSettings,
} from 'kysely';
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
type Compile = QueryCompiler['compileQuery'];

/**
 * The dialect of a root handle: inside of a running transaction it lends no connection, and what Kysely's own
 * builder runs as a transaction is one for the code inside as well.
 */
export class TrackedDialect implements Dialect {
  /** The only one: Kysely keeps it to itself, and who keeps a connection needs it as well. */
  readonly driver: TrackedDriver;
  readonly #inner: Dialect;

  /**
   * @param database whose transactions are looked for, and noted
   * @param logger hears of rollbacks that fail
   */
  constructor(inner: Dialect, database: TrackedDatabase, logger: Logger) {
    this.#inner = inner;
    this.driver = new TrackedDriver(inner.createDriver(), database, logger);
  }

  createDriver(): Driver {
    return this.driver;
  }

  createQueryCompiler(): QueryCompiler {
    return this.#inner.createQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return this.#inner.createAdapter();
  }

  createIntrospector(
    db: Parameters<Dialect['createIntrospector']>[0],
  ): ReturnType<Dialect['createIntrospector']> {
    return this.#inner.createIntrospector(db);
  }
}

/** A transaction that Kysely runs. */
interface KyselyTransaction extends RunningTransaction {
  state: RunningTransaction['state'];
}

export class TrackedDriver implements Driver {
  readonly #inner: Driver;
  readonly #database: TrackedDatabase;
  readonly #logger: Logger;
  readonly #transactions = new WeakMap<DatabaseConnection, KyselyTransaction>();

  // Kysely looks at whether these exist, so they exist only where the driver has them.
  readonly savepoint?: (connection: DatabaseConnection, name: string, compile: Compile) => Promise<void>;
  readonly rollbackToSavepoint?: (
    connection: DatabaseConnection,
    name: string,
    compile: Compile,
  ) => Promise<void>;
  readonly releaseSavepoint?: (
    connection: DatabaseConnection,
    name: string,
    compile: Compile,
  ) => Promise<void>;

  constructor(inner: Driver, database: TrackedDatabase, logger: Logger) {
    this.#inner = inner;
    this.#database = database;
    this.#logger = logger;
    if (inner.savepoint) this.savepoint = inner.savepoint.bind(inner);
    if (inner.rollbackToSavepoint) this.rollbackToSavepoint = inner.rollbackToSavepoint.bind(inner);
    if (inner.releaseSavepoint) this.releaseSavepoint = inner.releaseSavepoint.bind(inner);
  }

  /** The number of the transaction that Kysely runs on a connection; undefined where it runs none. */
  transactionOn(connection: DatabaseConnection): number | undefined {
    return this.#transactions.get(connection)?.number;
  }

  init(options?: Options): Promise<void> {
    return this.#inner.init(options);
  }

  async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    requireOutside(this.#database);
    return this.#inner.acquireConnection(options);
  }

  /** Not `async`, and the context first: Kysely waits for it, and takes over the context of that moment. */
  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const transaction: KyselyTransaction = {
      database: this.#database,
      number: nextTransactionNumber(),
      state: 'open',
    };
    this.#transactions.set(connection, transaction);
    numberTransaction(connection, transaction.number);
    enterHoldings();
    enterTransaction(transaction);
    return this.#inner.beginTransaction(connection, settings);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#inner.commitTransaction(connection);
    this.#settle(connection, 'kept');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#settle(connection, 'undone');
    try {
      await this.#inner.rollbackTransaction(connection);
    } catch (error) {
      // Kysely would tell this error in place of the one that made it roll back, which only Kysely knows.
      this.#logger.error({ error }, 'a rollback failed; its connection is given up');
    }
  }

  releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    this.#settle(connection, 'undone');
    return this.#inner.releaseConnection(connection, options);
  }

  destroy(options?: Options): Promise<void> {
    return this.#inner.destroy(options);
  }

  #settle(connection: DatabaseConnection, state: 'kept' | 'undone'): void {
    const transaction = this.#transactions.get(connection);
    if (transaction === undefined) return;
    this.#transactions.delete(connection);
    transaction.state = state;
  }
}
