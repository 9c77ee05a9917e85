import type {
  CompiledQuery,
  DatabaseConnection,
  Dialect,
  DialectAdapter,
  Driver,
  QueryCompiler,
  QueryResult,
  TransactionSettings,
} from 'kysely';
import type { SavepointCommand } from './touch-ledger.ts';
import { WatchedConnection } from './watched-connection.ts';
import type { WriteWatch } from './write-watch.ts';

type Options = { readonly signal?: AbortSignal | undefined };
type Compile = QueryCompiler['compileQuery'];

/** The dialect of an engine, over whose connections writes are watched. */
export class WatchedDialect implements Dialect {
  readonly #inner: Dialect;
  readonly #watch: WriteWatch;

  constructor(inner: Dialect, watch: WriteWatch) {
    this.#inner = inner;
    this.#watch = watch;
  }

  createDriver(): Driver {
    return new WatchedDriver(this.#inner.createDriver(), this.#watch);
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

class WatchedDriver implements Driver {
  readonly #inner: Driver;
  readonly #watch: WriteWatch;

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

  constructor(inner: Driver, watch: WriteWatch) {
    this.#inner = inner;
    this.#watch = watch;
    const { savepoint, rollbackToSavepoint, releaseSavepoint } = bound(inner);
    if (savepoint) this.savepoint = noting('savepoint', savepoint);
    if (rollbackToSavepoint) this.rollbackToSavepoint = noting('rollback', rollbackToSavepoint);
    if (releaseSavepoint) this.releaseSavepoint = noting('release', releaseSavepoint);
  }

  init(options?: Options): Promise<void> {
    return this.#inner.init(options);
  }

  async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    const connection = await this.#inner.acquireConnection(options);
    return new WatchedConnection(connection, this.#watch, (queries) =>
      this.#runTogether(connection, queries),
    );
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await this.#inner.beginTransaction(watched(connection).inner, settings);
    watched(connection).begun();
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { inner } = watched(connection);
    return watched(connection).commit(() => this.#inner.commitTransaction(inner));
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    watched(connection).rollingBack();
    return this.#inner.rollbackTransaction(watched(connection).inner);
  }

  releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    const { inner } = watched(connection);
    return watched(connection).release(() => this.#inner.releaseConnection(inner, options));
  }

  destroy(options?: Options): Promise<void> {
    return this.#inner.destroy(options);
  }

  async #runTogether<Row>(
    connection: DatabaseConnection,
    queries: readonly [CompiledQuery, ...CompiledQuery[]],
  ): Promise<QueryResult<Row>> {
    await this.#inner.beginTransaction(connection, {});
    try {
      const [first, ...others] = queries;
      const result = await connection.executeQuery<Row>(first);
      for (const query of others) await connection.executeQuery(query);
      await this.#inner.commitTransaction(connection);
      return result;
    } catch (error) {
      // Where that fails too the connection is given up, and the first failure is the one to be told.
      await this.#inner.rollbackTransaction(connection).catch(() => {});
      throw error;
    }
  }
}

type SendSavepoint = NonNullable<Driver['savepoint']>;

/** The statements for savepoints that a driver has, as functions. */
function bound(driver: Driver) {
  return {
    savepoint: driver.savepoint?.bind(driver),
    rollbackToSavepoint: driver.rollbackToSavepoint?.bind(driver),
    releaseSavepoint: driver.releaseSavepoint?.bind(driver),
  };
}

/** Sends a statement for a savepoint, and notes that it has succeeded. */
function noting(verb: SavepointCommand['verb'], send: SendSavepoint): SendSavepoint {
  return async (connection, name, compile) => {
    const note = watched(connection).savepointCommand(verb, name);
    await send(watched(connection).inner, name, compile);
    note();
  };
}

/** Every connection that a watched driver is handed is one that it has lent. */
function watched(connection: DatabaseConnection): WatchedConnection {
  return connection as WatchedConnection;
}
