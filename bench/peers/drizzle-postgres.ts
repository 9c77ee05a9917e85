import { and, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { openPool } from '../contenders/postgres-pool.ts';
import { requireOneRow, type Contender, type PostgresOptions, type ThreadRow } from '../contender.ts';
import { messages, threads } from './drizzle-postgres-schema.ts';

/** drizzle as its documentation shows it. */
export async function open(options: PostgresOptions): Promise<Contender> {
  const pool = openPool(options);
  const db = drizzle(pool);
  return {
    findMessage: async (id) => (await db.select().from(messages).where(eq(messages.id, id)))[0],
    async readThread(id) {
      const [thread] = await db.select().from(threads).where(eq(threads.id, id));
      const latest = await db
        .select()
        .from(messages)
        .where(eq(messages.thread_id, id))
        .orderBy(desc(messages.seq))
        .limit(50);
      return { thread, messages: latest };
    },
    pageThreads: ({ ownerId, updatedAt, id }) =>
      db
        .select()
        .from(threads)
        .where(
          and(
            eq(threads.owner_id, ownerId),
            sql`(${threads.updated_at}, ${threads.id}) < (${updatedAt}, ${id})`,
          ),
        )
        .orderBy(desc(threads.updated_at), desc(threads.id))
        .limit(20)
        .execute(),
    filterMessages: ({ threadId, role, since, statuses }) =>
      db
        .select()
        .from(messages)
        .where(
          and(
            eq(messages.thread_id, threadId),
            role === undefined ? undefined : eq(messages.role, role),
            since === undefined ? undefined : gte(messages.created_at, since),
            statuses === undefined ? undefined : inArray(messages.status, [...statuses]),
          ),
        )
        .orderBy(desc(messages.seq))
        .limit(20)
        .execute(),
    insertMessage: async (message) => void (await db.insert(messages).values(message)),
    insertMessages: async (rows) => void (await db.insert(messages).values([...rows])),
    renameThread: (thread) => updateThread(db, thread),
    appendMessage: (message, thread) =>
      db.transaction(async (tx) => {
        await tx.insert(messages).values(message);
        await updateThread(tx, thread);
      }),
    close: () => pool.end(),
  };
}

async function updateThread(
  on: Pick<NodePgDatabase, 'update'>,
  { id, title, next_seq, updated_at, version }: ThreadRow,
): Promise<void> {
  const { rowCount } = await on
    .update(threads)
    .set({ title, next_seq, updated_at, version: version + 1 })
    .where(and(eq(threads.id, id), eq(threads.version, version)));
  requireOneRow(rowCount);
}
