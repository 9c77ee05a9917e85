import type Database from 'better-sqlite3';
import { openFile } from '../contenders/sqlite-file.ts';
import { loadChat } from '../library.ts';
import { generateMessages, generateThreads, generateUsers, type ChatScale } from './chat-data.ts';

const rowsPerTransaction = 100_000;

/** Makes a file with the library's own tables and the generated chat; whoever copies it has the same rows. */
export async function makeSqliteTemplate(filename: string, scale: ChatScale): Promise<void> {
  const store = await (
    await loadChat()
  ).openChatStore({ database: { type: 'sqlite', connection: { filename }, slowQueryThreshold: 0 } });
  await store.close();
  const database = openFile({ engine: 'sqlite', filename, durability: 'normal' });
  try {
    insertRows(database, 'users', generateUsers(scale));
    insertRows(database, 'context_threads', generateThreads(scale));
    insertRows(database, 'messages', generateMessages(scale));
    database.exec('analyze');
    database.pragma('wal_checkpoint(truncate)');
  } finally {
    database.close();
  }
}

/** In several transactions, so that the WAL does not grow as large as the database. */
function insertRows(database: Database.Database, table: string, rows: Iterable<object>): void {
  let insert: Database.Statement | undefined;
  let count = 0;
  database.exec('begin');
  for (const row of rows) {
    insert ??= database.prepare(makeInsert(table, Object.keys(row)));
    insert.run(row);
    count += 1;
    if (count % rowsPerTransaction === 0) database.exec('commit; begin');
  }
  database.exec('commit');
}

function makeInsert(table: string, names: readonly string[]): string {
  return `insert into ${table} (${names.join(', ')}) values (${names.map((name) => `@${name}`).join(', ')})`;
}
