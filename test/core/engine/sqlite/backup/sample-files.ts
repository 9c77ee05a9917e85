/** Databases whose contents tell which one they are. */
import BetterSqlite3 from 'better-sqlite3';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDirectory } from '../../../../support/temp-directory.ts';

/** What a database holds, and what it finds in itself. */
export interface Contents {
  readonly label: string;
  readonly rows: number;
  readonly check: string;
}

const fill = (label: string, rows: number): string => `
  insert into parts with recursive n (i) as (select 1 union all select i + 1 from n where i < ${rows})
  select '${label}', hex(randomblob(200)) from n;`;

/** Writes a closed database. */
export function writeSample(path: string, label: string, rows: number): void {
  const database = new BetterSqlite3(path);
  database.exec(`create table parts (label text not null, filling text not null); ${fill(label, rows)}`);
  database.exec('create index parts_filling on parts (filling)');
  database.close();
}

/**
 * Writes a database as a crash leaves it: half of its rows are in the write-ahead log alone.
 *
 * @returns its path
 */
export function writeCrashed(label: string, rows: number): string {
  const source = join(makeTempDirectory('crashed'), 'app.db');
  const database = new BetterSqlite3(source);
  database.pragma('journal_mode = wal');
  database.pragma('wal_autocheckpoint = 0');
  database.exec(`create table parts (label text not null, filling text not null); ${fill(label, rows / 2)}`);
  database.pragma('wal_checkpoint(truncate)');
  database.exec(fill(label, rows / 2));
  const path = join(makeTempDirectory('crashed'), 'app.db');
  copyDatabaseFiles(source, path);
  database.close();
  return path;
}

/** Copies a database with its write-ahead log, which nobody may be using. */
export function copyDatabaseFiles(from: string, to: string): void {
  for (const ending of ['', '-wal']) {
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
  }
}

/** Reads a database, which fails unless all of its rows have one label. */
export function readSample(path: string): Contents {
  const database = new BetterSqlite3(path, { fileMustExist: true });
  try {
    const labels = database.prepare<[], string>('select distinct label from parts').pluck().all();
    const rows = database.prepare<[], number>('select count(*) from parts').pluck().get() as number;
    const check = database.pragma('integrity_check', { simple: true }) as string;
    return { label: labels.join('+'), rows, check };
  } finally {
    database.close();
  }
}
