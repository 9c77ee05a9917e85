import {
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type MigrationLockOptions,
  type QueryCompiler,
} from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import { LeasingDriver } from '../leasing-driver.ts';
import { isUnheard } from './after-abort.ts';
import { advisoryLockKey } from './postgres-advisory-lock.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';

/** Kysely's Postgres dialect on our pool. Only errors of this library leave it. */
export class PostgresDialect implements Dialect {
  readonly #pool: PostgresPool;
  readonly #clock: Clock;

  constructor(pool: PostgresPool, clock: Clock) {
    this.#pool = pool;
    this.#clock = clock;
  }

  createDriver(): Driver {
    const pool = this.#pool;
    const clock = this.#clock;
    return new LeasingDriver({
      lend: async (signal) =>
        new PostgresConnection(pool.tryAcquire() ?? (await acquire(pool, signal)), pool, clock),
      close: (deadline) => pool.close(deadline),
    });
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new MigrationLockAdapter();
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }
}

async function acquire(pool: PostgresPool, signal: AbortSignal | undefined): Promise<PostgresSession> {
  try {
    return await pool.acquire(signal);
  } catch (error) {
    // Nobody hears of it any more, and Kysely would print it.
    if (isUnheard({ signal })) return new Promise<never>(() => {});
    throw error;
  }
}

/**
 * Inside a transaction Kysely's own migration lock outlives it: after a failed migration its unlock is
 * refused, which hides the first error and leaves the lock on a connection of the pool. Ours ends with the
 * transaction.
 */
class MigrationLockAdapter extends PostgresAdapter {
  override async acquireMigrationLock(db: Kysely<any>, options: MigrationLockOptions): Promise<void> {
    if (!db.isTransaction) return super.acquireMigrationLock(db, options);
    await sql`select pg_advisory_xact_lock(${advisoryLockKey(options.lockTable)})`.execute(db);
  }

  override async releaseMigrationLock(db: Kysely<any>, options: MigrationLockOptions): Promise<void> {
    if (!db.isTransaction) await super.releaseMigrationLock(db, options);
  }
}
