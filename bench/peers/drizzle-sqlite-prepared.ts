import { and, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { openFile } from '../contenders/sqlite-file.ts';
import {
  requireOneRow,
  type Contender,
  type MessageFilter,
  type MessageRow,
  type SqliteOptions,
  type ThreadRow,
} from '../contender.ts';
import { filterParameters, messagePlaceholders, shapeOf } from './drizzle-placeholders.ts';
import { messages, threads } from './drizzle-sqlite-schema.ts';

const given = sql.placeholder;

/** drizzle with `.prepare` for every statement. */
export async function open(options: SqliteOptions): Promise<Contender> {
  const file = openFile(options);
  const db = drizzle(file);
  const message = db
    .select()
    .from(messages)
    .where(eq(messages.id, given('id')))
    .prepare();
  const threadById = db
    .select()
    .from(threads)
    .where(eq(threads.id, given('id')))
    .prepare();
  const latest = db
    .select()
    .from(messages)
    .where(eq(messages.thread_id, given('id')))
    .orderBy(desc(messages.seq))
    .limit(50)
    .prepare();
  const page = db
    .select()
    .from(threads)
    .where(
      and(
        eq(threads.owner_id, given('ownerId')),
        sql`(${threads.updated_at}, ${threads.id}) < (${given('updatedAt')}, ${given('id')})`,
      ),
    )
    .orderBy(desc(threads.updated_at), desc(threads.id))
    .limit(20)
    .prepare();
  const insert = db.insert(messages).values(messagePlaceholders).prepare();
  const update = db
    .update(threads)
    .set({
      title: sql`${given('title')}`,
      next_seq: sql`${given('next_seq')}`,
      updated_at: sql`${given('updated_at')}`,
      version: sql`${threads.version} + 1`,
    })
    .where(and(eq(threads.id, given('id')), eq(threads.version, given('version'))))
    .prepare();
  const prepareFilter = ({ role, since, statuses }: MessageFilter) =>
    db
      .select()
      .from(messages)
      .where(
        and(
          eq(messages.thread_id, given('threadId')),
          role === undefined ? undefined : eq(messages.role, given('role')),
          since === undefined ? undefined : gte(messages.created_at, given('since')),
          statuses === undefined ? undefined : inArray(messages.status, [given('status0'), given('status1')]),
        ),
      )
      .orderBy(desc(messages.seq))
      .limit(20)
      .prepare();
  const filters = new Map<number, ReturnType<typeof prepareFilter>>();

  const insertMessage = (row: MessageRow) => void insert.run({ ...row });
  const updateThread = (thread: ThreadRow) => requireOneRow(update.run({ ...thread }).changes);
  return {
    findMessage: async (id) => message.get({ id }),
    readThread: async (id) => ({ thread: threadById.get({ id }), messages: latest.all({ id }) }),
    pageThreads: async (place) => page.all({ ...place }),
    async filterMessages(filter) {
      const shape = shapeOf(filter);
      let prepared = filters.get(shape);
      if (prepared === undefined) filters.set(shape, (prepared = prepareFilter(filter)));
      return prepared.all(filterParameters(filter));
    },
    insertMessage: async (row) => insertMessage(row),
    insertMessages: async (rows) =>
      db.transaction(
        () => {
          for (const row of rows) insertMessage(row);
        },
        { behavior: 'immediate' },
      ),
    renameThread: async (thread) => updateThread(thread),
    appendMessage: async (row, thread) =>
      db.transaction(
        () => {
          insertMessage(row);
          updateThread(thread);
        },
        { behavior: 'immediate' },
      ),
    close: async () => void file.close(),
  };
}
