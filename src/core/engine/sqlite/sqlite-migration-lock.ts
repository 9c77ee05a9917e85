import { sql, type Kysely } from 'kysely';
import { hostname } from 'node:os';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import type { MigrationLock } from '../migration-lock.ts';
import { waitForLock } from '../wait-for-lock.ts';

interface LockRow {
  readonly owner: string;
  readonly machine: string;
  readonly process_id: number;
  readonly taken_at: number;
}

const table = sql.table('liminal_migration_lock');

/** Who holds it in this process: a process that was started again may have the number of the one before it. */
const owners = new Set<string>();

/**
 * The lock of SQLite's migrations: BEGIN IMMEDIATE for each step that has a transaction, since one file has one
 * writer. A step without one is kept apart by a row that says whose it is. A row whose process is gone from this
 * machine does not count; one of another machine is never taken away but by hand.
 */
export const sqliteMigrationLock: MigrationLock = {
  holdRun: (_connection, _options, work) => work(),

  async takeStep(trx, owner) {
    const row = await findRow(trx);
    if (row === undefined || row.owner === owner || isGone(row)) return;
    throw new DatabaseBusyError(`The database is being migrated by ${describe(row)}.`);
  },

  async holdAlone(connection, options, work) {
    const { owner, clock } = options;
    owners.add(owner);
    try {
      await waitForLock(options, () => tryTake(connection, owner, clock.now()));
      try {
        return await work();
      } finally {
        await free(connection, owner);
      }
    } finally {
      owners.delete(owner);
    }
  },

  async findHolder(connection) {
    const row = await findRow(connection);
    return row && { description: describe(row), isGone: isGone(row) };
  },

  async break(connection) {
    const row = await findRow(connection);
    if (row !== undefined) await free(connection, row.owner);
  },
};

function tryTake(connection: Kysely<any>, owner: string, now: number): Promise<boolean> {
  return connection.transaction().execute(async (trx) => {
    const row = await findRow(trx);
    if (row !== undefined && row.owner !== owner && !isGone(row)) return false;
    await sql`create table if not exists ${table} (
      id integer not null primary key check (id = 1), owner text not null,
      machine text not null, process_id integer not null, taken_at integer not null
    ) strict`.execute(trx);
    await sql`insert or replace into ${table} (id, owner, machine, process_id, taken_at)
      values (1, ${owner}, ${hostname()}, ${process.pid}, ${now})`.execute(trx);
    return true;
  });
}

async function free(connection: Kysely<any>, owner: string): Promise<void> {
  await sql`delete from ${table} where owner = ${owner}`.execute(connection);
}

async function findRow(db: Kysely<any>): Promise<LockRow | undefined> {
  const { rows: tables } =
    await sql`select 1 from sqlite_schema where type = 'table' and name = 'liminal_migration_lock'`.execute(
      db,
    );
  if (tables.length === 0) return undefined;
  const { rows } = await sql<LockRow>`select owner, machine, process_id, taken_at from ${table}`.execute(db);
  return rows[0];
}

function describe(row: LockRow): string {
  const place = row.machine === hostname() ? 'this machine' : `machine "${row.machine}"`;
  return `process ${row.process_id} of ${place}, since ${new Date(row.taken_at).toISOString()}`;
}

/** A process of this machine can be asked for; one that is there and may not be asked is there as well. */
function isGone({ owner, machine, process_id: pid }: LockRow): boolean {
  if (machine !== hostname()) return false;
  if (pid === process.pid) return !owners.has(owner);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
