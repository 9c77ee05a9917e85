import { SqliteDriver, type DatabaseConnection, type TransactionSettings } from 'kysely';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { PlainLease } from '../plain-lease.ts';
import { SqliteExecutor } from './sqlite-executor.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { SqliteLease } from './sqlite-lease.ts';

const closeDeadline = 10_000;

/** Kysely's own driver, on our connections. */
export class PooledSqliteDriver extends SqliteDriver {
  readonly #lanes: SqliteLanes;
  readonly #executor: SqliteExecutor;

  constructor(lanes: SqliteLanes) {
    super({ database: () => Promise.reject(new Error('The connections are those of the lanes.')) });
    this.#lanes = lanes;
    this.#executor = new SqliteExecutor(lanes);
  }

  override async init(): Promise<void> {}

  // It takes a connection only once it needs one, so there is nothing to wait for.
  override async acquireConnection(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<DatabaseConnection> {
    const lease = new SqliteLease(this.#lanes, this.#executor, options?.signal);
    return new PlainLease(lease, findDriverError);
  }

  override beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings = {},
  ): Promise<void> {
    return leaseOf(connection).beginBy(() => super.beginTransaction(connection), settings);
  }

  override commitTransaction(connection: DatabaseConnection): Promise<void> {
    return leaseOf(connection).commitBy(
      () => super.commitTransaction(connection),
      () => false,
    );
  }

  override rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return leaseOf(connection).rollbackBy(() => super.rollbackTransaction(connection));
  }

  override async releaseConnection(connection?: DatabaseConnection): Promise<void> {
    if (connection !== undefined) await leaseOf(connection).release();
  }

  override destroy(): Promise<void> {
    return this.#lanes.close(closeDeadline);
  }
}

function leaseOf(connection: DatabaseConnection): PlainLease {
  return connection as PlainLease;
}

/** What better-sqlite3 has thrown; an error of this library where there is nothing of the driver behind it. */
function findDriverError(error: unknown): unknown {
  const isTranslated = error instanceof LiminalDataError && !(error instanceof ConfigurationError);
  return isTranslated && error.cause instanceof Error ? error.cause : error;
}
