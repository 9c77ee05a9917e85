import pg from 'pg';
import { loadChat } from '../library.ts';
import { generateMessages, generateThreads, generateUsers, type ChatScale } from './chat-data.ts';

const rowsPerStatement = 5_000;

/** Fills an empty database with the library's own tables and the generated chat. */
export async function fillPostgresDatabase(url: string, scale: ChatScale): Promise<void> {
  const store = await (await loadChat()).openChatStore({ database: { url, slowQueryThreshold: 0 } });
  await store.close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await insertRows(client, 'users', generateUsers(scale));
    await insertRows(client, 'context_threads', generateThreads(scale));
    await insertRows(client, 'messages', generateMessages(scale));
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

async function insertRows(client: pg.Client, table: string, rows: Iterable<object>): Promise<void> {
  let chunk: object[] = [];
  const flush = async () => {
    const text = `insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`;
    await client.query(text, [JSON.stringify(chunk)]);
    chunk = [];
  };
  for (const row of rows) {
    chunk.push(row);
    if (chunk.length === rowsPerStatement) await flush();
  }
  if (chunk.length > 0) await flush();
}
