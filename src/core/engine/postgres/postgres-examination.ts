/** Looks at how a Postgres server and a database of it are set up, and whether the current schema is sound. */
import { sql, type Kysely } from 'kysely';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { ExaminationFinding } from '../examination.ts';
import { isBareForeignKey } from './bare-foreign-keys.ts';
import { findPostgresFaults } from './postgres-integrity.ts';

interface ServerState {
  readonly version: string;
  readonly number: number;
  /** Connections that this role may have, those of others among them. */
  readonly slots: number;
  readonly open: number;
  /** In ms; 0 is none. */
  readonly statement_timeout: number;
  readonly fsync: string;
  readonly synchronous_commit: string;
  readonly full_page_writes: string;
}

const oldestVersion = 150_000;

/** Looks at the server first, and then at the current schema of the database. It reads catalogs, no rows. */
export async function examinePostgres(
  db: Kysely<any>,
  { pool }: Pick<DatabaseConfig, 'pool'>,
): Promise<readonly ExaminationFinding[]> {
  const { rows } = await sql<ServerState>`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
      current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) as slots,
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as open,
      (select setting::int from pg_settings where name = 'statement_timeout') as statement_timeout,
      current_setting('fsync') as fsync, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('full_page_writes') as full_page_writes`.execute(db);
  const state = rows[0] as ServerState;
  return [
    describeVersion(state),
    describeConnections(state, pool.max),
    describeTimeout(state),
    describeDurability(state),
    ...(await examineContents(db)),
    ...(await examineForeignKeys(db)),
  ];
}

function describeVersion({ version, number }: ServerState): ExaminationFinding {
  const subject = 'version';
  const message = `PostgreSQL is ${version}.`;
  if (number >= oldestVersion) return { subject, status: 'healthy', message };
  return { subject, status: 'degraded', message, remedy: 'Upgrade the server to PostgreSQL 15 or newer.' };
}

function describeConnections({ slots, open }: ServerState, max: number): ExaminationFinding {
  const subject = 'connections';
  const message = `The server has ${slots} connections for everybody, ${open} of them are open, and one process may take ${max} (pool.max).`;
  if (max <= slots) return { subject, status: 'healthy', message };
  const remedy = `Set pool.max so that all processes together stay below ${slots}, or raise max_connections.`;
  return { subject, status: 'degraded', message, remedy };
}

function describeTimeout({ statement_timeout: timeout }: ServerState): ExaminationFinding {
  const subject = 'statement timeout';
  if (timeout > 0) {
    return { subject, status: 'healthy', message: `A statement may run for ${timeout} ms.` };
  }
  const message = 'A statement may run for ever, and hold its locks and its connection meanwhile.';
  return { subject, status: 'degraded', message, remedy: 'Set statementTimeout, which is 30000 by default.' };
}

function describeDurability(state: ServerState): ExaminationFinding {
  const subject = 'durability';
  const off = (['fsync', 'full_page_writes'] as const).filter((name) => state[name] === 'off');
  if (off.length > 0) {
    const message = `${off.join(' and ')} off: a loss of power may take the whole database.`;
    return { subject, status: 'degraded', message, remedy: `Set ${off.join(' and ')} to on.` };
  }
  const message =
    state.synchronous_commit === 'off'
      ? 'A loss of power may take the last commits, as synchronous_commit = off asks.'
      : 'A commit is on the disk before it is acknowledged.';
  return { subject, status: 'healthy', message };
}

async function examineContents(db: Kysely<any>): Promise<readonly ExaminationFinding[]> {
  const faults = await findPostgresFaults(db);
  const subject = 'integrity';
  if (faults.length === 0) {
    const message = 'Every index is valid, and every constraint was checked.';
    return [{ subject, status: 'healthy', message }];
  }
  // Each says itself what to run.
  return faults.map((message) => ({ subject, status: 'degraded', message }));
}

interface BareKey {
  /** All as they stand in SQL. */
  readonly owner: string;
  readonly name: string;
  readonly columns: string;
}

async function examineForeignKeys(db: Kysely<any>): Promise<readonly ExaminationFinding[]> {
  const { rows } = await sql<BareKey>`
    select conrelid::regclass::text as owner, quote_ident(conname) as name,
      (select string_agg(quote_ident(attname), ', ' order by array_position(conkey, attnum))
        from pg_attribute where attrelid = conrelid and attnum = any (conkey)) as columns
    from pg_constraint join pg_namespace on pg_namespace.oid = connamespace
    where conparentid = 0 and nspname = current_schema() and ${sql.raw(isBareForeignKey)}
    order by 1, 2`.execute(db);
  const subject = 'foreign keys';
  if (rows.length === 0) {
    return [{ subject, status: 'healthy', message: 'Every foreign key has an index.' }];
  }
  return rows.map(({ owner, name, columns }) => ({
    subject,
    status: 'degraded',
    message: `Foreign key ${name} of table ${owner} has no index that begins with (${columns}), so that each delete of a row that is referred to reads the whole table.`,
    remedy: `In a migration: create index concurrently on ${owner} (${columns}).`,
  }));
}
