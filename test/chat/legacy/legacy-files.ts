/** Legacy databases for tests: the one that the application wrote, and others that are made here. */
import BetterSqlite3 from 'better-sqlite3';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { projectRoot } from '../../../scripts/run-command.ts';
import { makeTempDirectory } from '../../support/temp-directory.ts';

/** The key of the legacy application in the tests, as its database has it. */
export const legacyKey = Buffer.from('0123456789abcdef0123456789abcdef');

/** A value of SQLite. */
export type Cell = string | number | bigint | Uint8Array | null;

/** A row of `context_threads`; what is left out is as the application writes it. */
export interface ThreadCells {
  readonly id: Cell;
  readonly title?: Cell;
  readonly created_at?: Cell;
  readonly updated_at?: Cell;
  readonly metadata?: Cell;
  readonly messages?: Cell;
}

/** A row of `users`. */
export interface UserCells {
  readonly id: Cell;
  readonly email: Cell;
  readonly display_name?: Cell;
  readonly created_at?: Cell;
  readonly updated_at?: Cell;
  readonly auth_providers?: Cell;
  readonly api_keys?: Cell;
  readonly preferences?: Cell;
}

/** When threads and users of the tests are made, in ms since the Unix epoch. */
export const legacyTime = 1_747_000_000_000;

// The columns stand without the constraints that would keep a test from spoiling a row.
const schema = `
  CREATE TABLE context_threads (id TEXT, title TEXT, created_at INTEGER, updated_at INTEGER, metadata TEXT, messages TEXT);
  CREATE TABLE users (id TEXT, email TEXT, display_name TEXT, created_at INTEGER, updated_at INTEGER,
                      auth_providers TEXT, api_keys TEXT, preferences TEXT);
  CREATE TABLE health_checks (id INTEGER PRIMARY KEY AUTOINCREMENT, check_type TEXT NOT NULL, status TEXT NOT NULL,
                              message TEXT, timestamp TEXT NOT NULL);`;

let packed: Buffer | undefined;

/**
 * Unpacks the database that the application wrote.
 *
 * @param threads how many of its threads are left in it; all by default
 * @returns its file, alone in a folder
 */
export function unpackLegacyDatabase(threads?: number): string {
  const file = join(makeTempDirectory('legacy'), 'legacy-liminal.db');
  packed ??= readFileSync(join(projectRoot, 'examples', 'data', 'legacy-liminal.db.gz'));
  writeFileSync(file, gunzipSync(packed));
  if (threads === undefined) return file;
  changeLegacyDatabase(file, (database) => {
    database.prepare('delete from context_threads where rowid > ?').run(threads);
    database.exec('vacuum');
  });
  return file;
}

/** Makes a legacy database. @returns its file, alone in a folder */
export function makeLegacyDatabase({
  threads = [],
  users = [],
}: {
  readonly threads?: readonly ThreadCells[];
  readonly users?: readonly UserCells[];
}): string {
  const file = join(makeTempDirectory('legacy'), 'legacy.db');
  const database = new BetterSqlite3(file);
  database.exec(schema);
  for (const cells of threads) {
    const row = {
      title: null,
      created_at: legacyTime,
      updated_at: legacyTime,
      metadata: null,
      messages: '[]',
      ...cells,
    };
    database
      .prepare(
        'insert into context_threads values (@id, @title, @created_at, @updated_at, @metadata, @messages)',
      )
      .run(row);
  }
  for (const cells of users) {
    const row = {
      display_name: null,
      created_at: legacyTime,
      updated_at: legacyTime,
      auth_providers: null,
      api_keys: null,
      preferences: null,
      ...cells,
    };
    database
      .prepare(
        'insert into users values (@id, @email, @display_name, @created_at, @updated_at, @auth_providers, @api_keys, @preferences)',
      )
      .run(row);
  }
  database.close();
  return file;
}

/** Changes a legacy database by any statements. */
export function changeLegacyDatabase(file: string, work: (database: BetterSqlite3.Database) => void): void {
  const database = new BetterSqlite3(file);
  work(database);
  database.close();
}

/** Seals a key as the legacy application does. */
export function sealLegacy(text: string, key: Uint8Array = legacyKey): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
}

/** All that there is in the folder of a file: names, contents and times. */
export function lookAtFolder(file: string): Record<string, string> {
  const folder = join(file, '..');
  return Object.fromEntries(
    readdirSync(folder)
      .toSorted()
      .map((name) => {
        const { mtimeNs, size, mode } = statSync(join(folder, name), { bigint: true });
        const hash = createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex');
        return [name, `${mtimeNs} ${size} ${mode} ${hash}`];
      }),
  );
}
