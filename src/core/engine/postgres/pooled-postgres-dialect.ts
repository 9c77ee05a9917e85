import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
} from 'kysely';
import type { DatabaseConfig, PoolConfig } from '../../config/database-config.ts';
import { parseDatabaseConfig } from '../../config/parse-database-config.ts';
import { postgresConfig, type PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { systemClock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { silentLogger } from '../../foundation/logger.ts';
import { silentPoolListener, type PoolListener } from '../../foundation/pool-event.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { OnePerDriver } from '../one-per-driver.ts';
import { patientPool } from '../patient-pool.ts';
import { PooledPostgresDriver, type ConnectionHooks } from './pooled-postgres-driver.ts';
import { PostgresPool } from './postgres-pool.ts';
import { plainStyle } from './session-style.ts';

/** Where the database is, how connections are kept, and who hears of them. */
export interface PooledPostgresDialectConfig
  extends Partial<Omit<PostgresSettings, 'password' | 'replicas' | 'replicaMaxLag'>>, ConnectionHooks {
  /** A URL such as `postgres://user@host/name`; what stands beside it adds what the URL leaves out. */
  readonly connectionString?: string | undefined;
  /** The password, where the URL has none. It is kept out of whatever is printed. */
  readonly password?: string | undefined;
  /**
   * As in the configuration of a provider, times in ms; but who waits for a connection has a minute, and as many
   * may wait as come.
   */
  readonly pool?: Partial<PoolConfig> | undefined;
  /** Hears what happens in the pool. */
  readonly onPoolEvent?: PoolListener | undefined;
}

/**
 * Our pool and prepared statements for a Kysely of your own: a replacement for Kysely's PostgresDialect that
 * behaves like it in everything else. Values come as pg's own parsers give them (`int8` as text), parameters
 * go as pg writes them, and errors are pg's. What is a matter of the pool is an error of this library:
 * PoolTimeoutError, PoolClosedError, ConnectionError where no connection can be opened, and
 * CommitOutcomeUnknownError. It sets no statement timeout and never resets a session.
 *
 * @example
 * const db = new Kysely<Tables>({
 *   dialect: new PooledPostgresDialect({ connectionString: 'postgres://app@localhost/app', pool: { max: 20 } }),
 * });
 */
export class PooledPostgresDialect implements Dialect {
  readonly #hooks: ConnectionHooks;
  readonly #pool: OnePerDriver<PostgresPool>;

  /**
   * Opens nothing: the first query connects.
   *
   * @param config where the database is, and how connections are kept
   * @throws ConfigurationError with every fault of the settings
   */
  constructor(config: PooledPostgresDialectConfig) {
    const { onPoolEvent = silentPoolListener } = config;
    const context = { clock: systemClock, logger: silentLogger, onPoolEvent };
    const settings = parseSettings(config);
    this.#hooks = config;
    this.#pool = new OnePerDriver(() => new PostgresPool(settings, context, plainStyle));
  }

  /** @returns the state of the pool at this moment; that of the last Kysely where several were made with it */
  stats(): PoolStats {
    return this.#pool.latest.stats();
  }

  createDriver(): Driver {
    return new PooledPostgresDriver(this.#pool.take(), systemClock, this.#hooks);
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new PostgresAdapter();
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }
}

function parseSettings({
  connectionString,
  pool,
  onPoolEvent: _events,
  onCreateConnection: _created,
  onReserveConnection: _reserved,
  ...connection
}: PooledPostgresDialectConfig): DatabaseConfig<'postgres', PostgresSettings> {
  const place = connectionString === undefined ? { type: 'postgres' } : { url: connectionString };
  const input = { ...place, connection, pool: { ...patientPool, ...pool }, statementTimeout: 0 };
  const parsed = parseDatabaseConfig(input, [postgresConfig]) as DatabaseConfig<'postgres', PostgresSettings>;
  // Where it would be ignored, somebody would believe that reads go there.
  if (parsed.connection.replicas.length > 0) {
    throw new ConfigurationError(
      'connection.replicas: the dialect alone knows one server. Leave it out, or use a provider.',
    );
  }
  return parsed;
}
