import Database from 'better-sqlite3';
import { createIndex, createTable, makeNote, noteCount, type Contender, type Note } from './workload.ts';

/** Opens a file as every contender has it: the same durability, the same rows. */
export function openNotes(filename: string): Database.Database {
  const database = new Database(filename);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.exec(`${createTable}; ${createIndex}`);
  const insert = database.prepare('insert into notes values (@id, @title, @made_at, @version)');
  database.transaction(() => {
    for (let number = 0; number < noteCount; number += 1) insert.run(makeNote(number));
  })();
  return database;
}

/** The driver itself, with statements prepared once. */
export async function rawContender(filename: string): Promise<Contender> {
  const database = openNotes(filename);
  const byKey = database.prepare<[string], Note>('select * from notes where id = ?');
  const page = database.prepare('select * from notes where made_at > ? order by made_at, id limit 20');
  const insert = database.prepare('insert into notes values (@id, @title, @made_at, @version)');
  const update = database.prepare('update notes set title = ?, version = ? where id = ? and version = ?');
  const change = database.transaction((id: string) => {
    const { title, version } = byKey.get(id)!;
    update.run(title, version + 1, id, version);
  });
  return {
    byKey: async (id) => byKey.get(id),
    page: async (after) => page.all(after),
    insert: async (note) => void insert.run(note),
    change: async (id) => change.immediate(id),
    close: async () => void database.close(),
  };
}
