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
import { LeasingDriver } from '../leasing-driver.ts';
import { advisoryLockKey } from './postgres-advisory-lock.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { PostgresPool } from './postgres-pool.ts';

/** Kysely's Postgres dialect on our pool. */
export class PostgresDialect implements Dialect {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  createDriver(): Driver {
    const pool = this.#pool;
    return new LeasingDriver({
      lend: async (signal) => new PostgresConnection(await pool.acquire(signal), pool),
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
