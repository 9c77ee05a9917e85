/** Looks at how a SQLite database is set up, and whether it is sound. */
import { sql, type Kysely } from 'kysely';
import type { SqliteConnection } from '../../config/sqlite-config.ts';
import type { ExaminationFinding } from '../examination.ts';
import { findSqliteFaultsQuickly } from './sqlite-integrity.ts';
import { findBareForeignKeys, keyColumnsQuery, type KeyColumn } from './bare-foreign-keys.ts';
import { writeName } from './sqlite-schema-tokens.ts';

/** What is known of a database beside what it says itself. */
export interface SqliteExaminationOptions {
  readonly isInMemory: boolean;
  readonly durability: SqliteConnection['durability'];
}

/**
 * Looks at what the database says of itself. It opens no file: a file that this process closes loses all locks that its
 * connections have on it.
 */
export async function examineSqlite(
  db: Kysely<any>,
  { isInMemory, durability }: SqliteExaminationOptions,
): Promise<readonly ExaminationFinding[]> {
  return [
    ...(isInMemory ? [] : [await examineJournal(db)]),
    await examineVersion(db),
    describeDurability(durability),
    ...(await examineContents(db)),
    ...(await examineForeignKeys(db)),
  ];
}

async function examineJournal(db: Kysely<any>): Promise<ExaminationFinding> {
  const { rows } = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db);
  const mode = rows[0]?.journal_mode;
  const subject = 'journal';
  if (mode === 'wal') return { subject, status: 'healthy', message: 'The file has a write-ahead log.' };
  const message = `The file has the journal mode ${mode}: readers and the writer hold each other up.`;
  const remedy =
    'Let nobody else set the journal mode; a connection that is opened anew sets the write-ahead log.';
  return { subject, status: 'degraded', message, remedy };
}

async function examineVersion(db: Kysely<any>): Promise<ExaminationFinding> {
  const { rows } = await sql<{ version: string }>`select sqlite_version() as version`.execute(db);
  return { subject: 'version', status: 'healthy', message: `SQLite is ${rows[0]?.version}.` };
}

function describeDurability(durability: SqliteConnection['durability']): ExaminationFinding {
  const message =
    durability === 'full'
      ? 'A commit is on the disk before it is acknowledged.'
      : 'A loss of power may take the last commits, as durability "normal" asks.';
  return { subject: 'durability', status: 'healthy', message };
}

async function examineContents(db: Kysely<any>): Promise<readonly ExaminationFinding[]> {
  const faults = await findSqliteFaultsQuickly(db);
  const subject = 'integrity';
  if (faults.length === 0) {
    const message = 'The quick check found no damage, and every foreign key has its row.';
    return [{ subject, status: 'healthy', message }];
  }
  const remedy = 'Make a copy of the file first; "liminal-data migrate verify" looks at all of it.';
  return faults.map((message) => ({ subject, status: 'unhealthy', message, remedy }));
}

async function examineForeignKeys(db: Kysely<any>): Promise<readonly ExaminationFinding[]> {
  const { rows } = await sql<KeyColumn>`${sql.raw(keyColumnsQuery)}`.execute(db);
  const bare = findBareForeignKeys(rows);
  const subject = 'foreign keys';
  if (bare.length === 0) {
    return [{ subject, status: 'healthy', message: 'Every foreign key has an index.' }];
  }
  return bare.map(({ owner, columns }) => {
    const list = columns.map(writeName).join(', ');
    const message = `Table ${writeName(owner)} has no index that begins with (${list}), so that each delete of a row that is referred to reads the whole table.`;
    const remedy = `In a migration: create index … on ${writeName(owner)} (${list}).`;
    return { subject, status: 'degraded', message, remedy };
  });
}
