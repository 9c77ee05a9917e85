import Database from 'better-sqlite3';
import type { SqliteOptions } from '../contender.ts';

/** A connection of the driver, set up as the library sets up its own. */
export function openFile({ filename, durability }: SqliteOptions): Database.Database {
  const database = new Database(filename);
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${durability}`);
  database.pragma('foreign_keys = ON');
  return database;
}
