import postgres from 'postgres';
import {
  poolSize,
  requireOneRow,
  type Contender,
  type MessageRow,
  type PostgresOptions,
  type ThreadRow,
} from '../contender.ts';

/** postgres.js, which names and pipelines its statements by itself. */
export async function open({ url }: PostgresOptions): Promise<Contender> {
  const sql = postgres(url, {
    max: poolSize,
    types: {
      bigint: { to: 20, from: [20], parse: Number, serialize: String },
      jsonText: { to: 3802, from: [3802], parse: String, serialize: String },
    },
  });
  const insert = async (on: postgres.ISql, rows: MessageRow[]) =>
    void (await on`
    insert into messages ${sql(rows)}`);
  const update = async (on: postgres.ISql, thread: ThreadRow) => {
    const { id, title, next_seq, updated_at, version } = thread;
    const { count } = await on`
      update context_threads
      set title = ${title}, next_seq = ${next_seq}, updated_at = ${updated_at}, version = ${version + 1}
      where id = ${id} and version = ${version}`;
    requireOneRow(count);
  };

  return {
    findMessage: async (id) => (await sql<MessageRow[]>`select * from messages where id = ${id}`)[0],
    async readThread(id) {
      const [thread] = await sql<ThreadRow[]>`select * from context_threads where id = ${id}`;
      const messages = await sql<MessageRow[]>`
        select * from messages where thread_id = ${id} order by seq desc limit 50`;
      return { thread, messages };
    },
    pageThreads: ({ ownerId, updatedAt, id }) => sql<ThreadRow[]>`
      select * from context_threads
      where owner_id = ${ownerId} and (updated_at, id) < (${updatedAt}, ${id})
      order by updated_at desc, id desc limit 20`,
    filterMessages: ({ threadId, role, since, statuses }) => sql<MessageRow[]>`
      select * from messages
      where thread_id = ${threadId}
        ${role === undefined ? sql`` : sql`and role = ${role}`}
        ${since === undefined ? sql`` : sql`and created_at >= ${since}`}
        ${statuses === undefined ? sql`` : sql`and status in ${sql(statuses)}`}
      order by seq desc limit 20`,
    insertMessage: (message) => insert(sql, [message]),
    insertMessages: (messages) => insert(sql, messages.slice()),
    renameThread: (thread) => update(sql, thread),
    async appendMessage(message, thread) {
      await sql.begin(async (tx) => {
        await insert(tx, [message]);
        await update(tx, thread);
      });
    },
    close: () => sql.end(),
  };
}
