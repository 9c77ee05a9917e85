import type {
  CompiledQuery,
  DatabaseConnection,
  Dialect,
  Driver,
  QueryResult,
  TransactionSettings,
} from 'kysely';
import {
  ForwardingDialect,
  ForwardingDriver,
  type SavepointVerb,
  type SendSavepoint,
} from '../engine/forwarding-dialect.ts';
import type { LeaseSettings } from '../engine/lease.ts';
import type { StatementTiming } from '../foundation/statement-timing.ts';
import { WatchedConnection } from './watched-connection.ts';
import type { WriteWatch } from './write-watch.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/** The dialect of an engine, over whose connections writes are watched. */
export class WatchedDialect extends ForwardingDialect {
  constructor(inner: Dialect, watch: WriteWatch) {
    super(inner, (driver) => new WatchedDriver(driver, watch));
  }
}

class WatchedDriver extends ForwardingDriver {
  readonly #watch: WriteWatch;

  constructor(inner: Driver, watch: WriteWatch) {
    super(inner, noting);
    this.#watch = watch;
  }

  override async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    const connection = await this.inner.acquireConnection(options);
    return new WatchedConnection(connection, this.#watch, (queries, timing) =>
      this.#runTogether(connection, queries, timing),
    );
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    await this.inner.beginTransaction(watched(connection).inner, settings);
    watched(connection).begun();
  }

  override commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { inner } = watched(connection);
    return watched(connection).commit(() => this.inner.commitTransaction(inner));
  }

  override rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    watched(connection).rollingBack();
    return this.inner.rollbackTransaction(watched(connection).inner);
  }

  override releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    const { inner } = watched(connection);
    return watched(connection).release(() => this.inner.releaseConnection(inner, options));
  }

  async #runTogether<Row>(
    connection: DatabaseConnection,
    queries: readonly [CompiledQuery, ...CompiledQuery[]],
    timing: StatementTiming | undefined,
  ): Promise<QueryResult<Row>> {
    const settings: LeaseSettings = { timing };
    await this.inner.beginTransaction(connection, settings);
    try {
      const [first, ...others] = queries;
      const result = await connection.executeQuery<Row>(first);
      for (const query of others) await connection.executeQuery(query);
      await this.inner.commitTransaction(connection);
      return result;
    } catch (error) {
      // Where that fails too the connection is given up, and the first failure is the one to be told.
      await this.inner.rollbackTransaction(connection).catch(() => {});
      throw error;
    }
  }
}

/** Sends a statement for a savepoint, and notes that it has succeeded. */
function noting(send: SendSavepoint, verb: SavepointVerb): SendSavepoint {
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
