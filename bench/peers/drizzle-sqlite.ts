import { and, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import { drizzle, type BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { openFile } from '../contenders/sqlite-file.ts';
import { requireOneRow, type Contender, type SqliteOptions, type ThreadRow } from '../contender.ts';
import { messages, threads } from './drizzle-sqlite-schema.ts';

/** drizzle as its documentation shows it. */
export async function open(options: SqliteOptions): Promise<Contender> {
  const file = openFile(options);
  const db = drizzle(file);
  return {
    findMessage: async (id) => db.select().from(messages).where(eq(messages.id, id)).get(),
    readThread: async (id) => ({
      thread: db.select().from(threads).where(eq(threads.id, id)).get(),
      messages: db
        .select()
        .from(messages)
        .where(eq(messages.thread_id, id))
        .orderBy(desc(messages.seq))
        .limit(50)
        .all(),
    }),
    pageThreads: async ({ ownerId, updatedAt, id }) =>
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
        .all(),
    filterMessages: async ({ threadId, role, since, statuses }) =>
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
        .all(),
    insertMessage: async (message) => void db.insert(messages).values(message).run(),
    insertMessages: async (rows) =>
      void db
        .insert(messages)
        .values([...rows])
        .run(),
    renameThread: async (thread) => updateThread(db, thread),
    appendMessage: async (message, thread) =>
      db.transaction(
        (tx) => {
          tx.insert(messages).values(message).run();
          updateThread(tx, thread);
        },
        { behavior: 'immediate' },
      ),
    close: async () => void file.close(),
  };
}

function updateThread(
  on: Pick<BetterSQLite3Database, 'update'>,
  { id, title, next_seq, updated_at, version }: ThreadRow,
): void {
  const { changes } = on
    .update(threads)
    .set({ title, next_seq, updated_at, version: version + 1 })
    .where(and(eq(threads.id, id), eq(threads.version, version)))
    .run();
  requireOneRow(changes);
}
