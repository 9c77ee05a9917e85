import { sql, type Kysely } from 'kysely';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import { migrationLockName, type MigrationLock } from '../migration-lock.ts';
import { waitForLock } from '../wait-for-lock.ts';
import { advisoryLockKey } from './postgres-advisory-lock.ts';

/**
 * The lock of Postgres's migrations: an advisory lock, which dies with its holder. It is asked for again and
 * again, because a session that waits inside of `pg_advisory_lock` holds a snapshot that others' CREATE INDEX
 * CONCURRENTLY waits for.
 *
 * The session holds it for a run, and each transaction for itself: behind a pooler that gives every transaction
 * another session the second alone is true, and the first would stay behind on a session of somebody else. Whether
 * there is one is told by the number of the server's process: a pooler hands out numbers of its own.
 *
 * @param isOwnBackend whether the server's process of that number is one of our connections
 */
export function createPostgresMigrationLock(isOwnBackend: (processId: number) => boolean): MigrationLock {
  const key = () => advisoryLockKey(migrationLockName);
  const isDirect = async (connection: Kysely<any>) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(connection);
    return isOwnBackend(rows[0]?.pid ?? 0);
  };
  return {
    async holdRun(connection, options, work) {
      if (!(await isDirect(connection))) return work();
      await waitForLock(options, () => ask(connection, sql`pg_try_advisory_lock(${key()})`));
      try {
        return await work();
      } finally {
        await unlock(connection, key());
      }
    },

    async takeStep(trx) {
      if (await ask(trx, sql`pg_try_advisory_xact_lock(${key()})`)) return;
      throw new DatabaseBusyError('The database is being migrated by another process.');
    },

    async holdAlone(connection, _options, work) {
      if (await isDirect(connection)) return work();
      throw new ConfigurationError(
        'A migration without a transaction needs a connection of its own for its lock, and a pooler stands between this process and the server. Connect to the server itself to migrate.',
      );
    },

    async findHolder(connection) {
      const holder = await findHolder(connection, key());
      if (holder === undefined) return undefined;
      const name = holder.name === '' ? '' : ` ("${holder.name}")`;
      const from = holder.address === null ? '' : ` from ${holder.address}`;
      return { description: `the server's process ${holder.pid}${name}${from}`, isGone: false };
    },

    async break(connection) {
      const holder = await findHolder(connection, key());
      if (holder !== undefined) await sql`select pg_terminate_backend(${holder.pid})`.execute(connection);
    },
  };
}

async function ask(db: Kysely<any>, question: ReturnType<typeof sql>): Promise<boolean> {
  const { rows } = await sql<{ granted: boolean }>`select ${question} as granted`.execute(db);
  return rows[0]?.granted ?? false;
}

async function unlock(connection: Kysely<any>, key: bigint): Promise<void> {
  try {
    await sql`select pg_advisory_unlock(${key})`.execute(connection);
  } catch (error) {
    // A lost connection has given the lock back itself, and its loss was reported by whatever met it first.
    if (!(error instanceof ConnectionError)) throw error;
  }
}

interface Holder {
  readonly pid: number;
  readonly name: string;
  readonly address: string | null;
}

async function findHolder(db: Kysely<any>, key: bigint): Promise<Holder | undefined> {
  // pg_locks shows the two halves of a key of 64 bits as unsigned numbers.
  const [high, low] = [Number(BigInt.asUintN(32, key >> 32n)), Number(BigInt.asUintN(32, key))];
  const { rows } = await sql<Holder>`
    select a.pid, a.application_name as name, host(a.client_addr) as address
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 1
      and l.classid::bigint = ${high} and l.objid::bigint = ${low}
      and l.database = (select oid from pg_database where datname = current_database())`.execute(db);
  return rows[0];
}
