import { sql, type Kysely } from 'kysely';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep } from '../../foundation/clock.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import type { MigrationTraits } from '../migration-traits.ts';
import { advisoryLockKey } from './postgres-advisory-lock.ts';
import { postgresColumns } from './postgres-columns.ts';
import { liftStatementLimit } from './statement-limit.ts';

/**
 * How migrations run on Postgres: under an advisory lock that the session holds and that dies with it. It
 * is asked for again and again, because a session that waits inside of `pg_advisory_lock` holds a snapshot
 * that others' CREATE INDEX CONCURRENTLY waits for.
 */
export const postgresMigrations: MigrationTraits = {
  columns: postgresColumns,
  async currentSchema(db) {
    const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db);
    return rows[0]?.name ?? undefined;
  },
  async beginStep(trx) {
    // An index over a large table takes its time, and half of one is of no use.
    await sql.raw(liftStatementLimit).execute(trx);
  },
  async withLock(connection, name, { timeout, clock }, work) {
    const key = advisoryLockKey(`liminal-data:migrate:${name}`);
    const start = clock.monotonic();
    const nextDelay = decorrelatedJitter({ base: 10, cap: 250 });
    while (!(await tryLock(connection, key))) {
      if (clock.monotonic() - start >= timeout) {
        throw new DatabaseBusyError(
          `The migration set "${name}" is being migrated by another process for longer than ${timeout} ms. Wait for it, or look at pg_locks for whoever holds the advisory lock.`,
        );
      }
      await sleep(clock, nextDelay());
    }
    try {
      return await work();
    } finally {
      await unlock(connection, key);
    }
  },
};

async function tryLock(connection: Kysely<unknown>, key: bigint): Promise<boolean> {
  const { rows } = await sql<{ granted: boolean }>`select pg_try_advisory_lock(${key}) as granted`.execute(
    connection,
  );
  return rows[0]?.granted ?? false;
}

async function unlock(connection: Kysely<unknown>, key: bigint): Promise<void> {
  try {
    await sql`select pg_advisory_unlock(${key})`.execute(connection);
  } catch (error) {
    // A lost connection has given the lock back itself, and its loss was reported by whatever met it first.
    if (!(error instanceof ConnectionError)) throw error;
  }
}
