import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type SqliteDialectConfig,
} from 'kysely';
import type { DatabaseConfig, PoolConfig } from '../../config/database-config.ts';
import { parseDatabaseConfig } from '../../config/parse-database-config.ts';
import { sqliteConfig, type SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import { systemClock } from '../../foundation/clock.ts';
import { silentLogger } from '../../foundation/logger.ts';
import { silentPoolListener, type PoolListener } from '../../foundation/pool-event.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { OnePerDriver } from '../one-per-driver.ts';
import { patientPool } from '../patient-pool.ts';
import { PooledSqliteDriver } from './pooled-sqlite-driver.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { SqliteLanes } from './sqlite-lanes.ts';
import { SqliteOpening } from './sqlite-opening.ts';
import type { SqliteStyle } from './sqlite-style.ts';
import { plainValues } from './sqlite-values.ts';

/** Where the database is, how connections are kept, and who hears of them. */
export interface PooledSqliteDialectConfig extends Partial<
  Omit<SqliteSettings, 'workers' | 'loopBlockThreshold'>
> {
  /**
   * In place of a filename: a database of better-sqlite3, or what gives one, called before the first query. It is
   * then the only connection, with the settings that it has, and is closed with the Kysely.
   */
  readonly database?: SqliteDialectConfig['database'] | undefined;
  /**
   * As in the configuration of a provider, times in ms; but who waits for a connection has a minute, and as many
   * may wait as come.
   */
  readonly pool?: Partial<PoolConfig> | undefined;
  /** The longest wait for a lock that another process holds, in ms. 10,000 by default. */
  readonly lockTimeout?: number | undefined;
  /** Sets a new connection up, before anybody else uses it. Called for the writer and for each reader. */
  readonly onCreateConnection?: ((connection: DatabaseConnection) => Promise<void>) | undefined;
  /** Hears what happens in the pool. */
  readonly onPoolEvent?: PoolListener | undefined;
}

/**
 * Our lanes for a Kysely of your own: a replacement for Kysely's SqliteDialect that behaves like it in everything
 * else. Reads go on beside a write transaction, statements stay prepared, writes that come together share a commit,
 * and no lock of another process freezes the event loop.
 *
 * Values and parameters go as better-sqlite3 takes and gives them, and errors are its own. What is a matter of the
 * pool is an error of this library: PoolTimeoutError, PoolClosedError, DatabaseMovedError, and
 * TransactionAbortedError for a statement or COMMIT behind a transaction that SQLite has rolled back by itself.
 *
 * @example
 * const db = new Kysely<Tables>({ dialect: new PooledSqliteDialect({ filename: './app.db' }) });
 */
export class PooledSqliteDialect implements Dialect {
  readonly #lanes: OnePerDriver<SqliteLanes>;

  /**
   * Opens nothing: the first query does.
   *
   * @param config where the database is, and how connections are kept
   * @throws ConfigurationError with every fault of the settings
   */
  constructor(config: PooledSqliteDialectConfig) {
    const { onPoolEvent = silentPoolListener } = config;
    const context = { clock: systemClock, logger: silentLogger, onPoolEvent };
    const settings = parseSettings(config);
    const style = styleOf(config);
    this.#lanes = new OnePerDriver(() => new SqliteLanes(settings, context, style));
  }

  /** @returns the state of the pool at this moment; that of the last Kysely where several were made with it */
  stats(): PoolStats {
    return this.#lanes.latest.stats();
  }

  createDriver(): Driver {
    return new PooledSqliteDriver(this.#lanes.take());
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new PooledSqliteAdapter();
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class PooledSqliteAdapter extends SqliteAdapter {
  // The lanes queue by themselves, with a deadline; Kysely's own mutex in front of them has none.
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  // Kysely's own has one connection, so that who migrates has it alone. Here a PRAGMA that asks for nothing keeps
  // the writer until the migration gives its connection back.
  override async acquireMigrationLock(db: Kysely<any>): Promise<void> {
    await sql`pragma user_version`.execute(db);
  }
}

function styleOf({ database, onCreateConnection }: PooledSqliteDialectConfig): SqliteStyle {
  return {
    values: plainValues,
    keepsTraces: true,
    onOpen: onCreateConnection && ((opened: SqliteDatabase) => onCreateConnection(new SqliteOpening(opened))),
    // Kysely names but a part of what it is.
    openDatabase: (typeof database === 'object' ? () => database : database) as SqliteStyle['openDatabase'],
  };
}

function parseSettings({
  database,
  pool,
  lockTimeout,
  onCreateConnection: _hook,
  onPoolEvent: _events,
  ...place
}: PooledSqliteDialectConfig): DatabaseConfig<'sqlite', SqliteSettings> {
  // One that was handed over is, like one in memory, a single connection that must not be opened anew.
  const connection = database === undefined ? place : { ...place, memory: true };
  const input = {
    type: 'sqlite',
    connection,
    pool: { ...patientPool, ...pool },
    ...(lockTimeout === undefined ? {} : { lockTimeout }),
  };
  return parseDatabaseConfig(input, [sqliteConfig]) as DatabaseConfig<'sqlite', SqliteSettings>;
}
