import { and, desc, eq, gte, inArray, sql } from 'drizzle-orm';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { openPool } from '../contenders/postgres-pool.ts';
import { requireOneRow, type Contender, type MessageFilter, type PostgresOptions } from '../contender.ts';
import { filterParameters, messagePlaceholders, shapeOf } from './drizzle-placeholders.ts';
import { messages, threads } from './drizzle-postgres-schema.ts';

const given = sql.placeholder;

/**
 * drizzle with `.prepare` for every statement outside of transactions. A prepared statement belongs to the
 * handle that made it, so in a transaction they are prepared again, under the same names.
 */
export async function open(options: PostgresOptions): Promise<Contender> {
  const pool = openPool(options);
  const db = drizzle(pool);
  const message = db
    .select()
    .from(messages)
    .where(eq(messages.id, given('id')))
    .prepare('message');
  const threadById = db
    .select()
    .from(threads)
    .where(eq(threads.id, given('id')))
    .prepare('thread');
  const latest = db
    .select()
    .from(messages)
    .where(eq(messages.thread_id, given('id')))
    .orderBy(desc(messages.seq))
    .limit(50)
    .prepare('latest');
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
    .prepare('page');
  const prepareFilter = ({ role, since, statuses }: MessageFilter, shape: number) =>
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
      .prepare(`filter ${shape}`);
  const filters = new Map<number, ReturnType<typeof prepareFilter>>();
  const insert = prepareInsert(db);
  const update = prepareUpdate(db);

  return {
    findMessage: async (id) => (await message.execute({ id }))[0],
    async readThread(id) {
      const [thread] = await threadById.execute({ id });
      return { thread, messages: await latest.execute({ id }) };
    },
    pageThreads: (place) => page.execute({ ...place }),
    filterMessages(filter) {
      const shape = shapeOf(filter);
      let prepared = filters.get(shape);
      if (prepared === undefined) filters.set(shape, (prepared = prepareFilter(filter, shape)));
      return prepared.execute(filterParameters(filter));
    },
    insertMessage: async (row) => void (await insert.execute({ ...row })),
    insertMessages: async (rows) => void (await db.insert(messages).values([...rows])),
    renameThread: async (thread) => requireOneRow((await update.execute({ ...thread })).rowCount),
    appendMessage: (row, thread) =>
      db.transaction(async (tx) => {
        await prepareInsert(tx).execute({ ...row });
        requireOneRow((await prepareUpdate(tx).execute({ ...thread })).rowCount);
      }),
    close: () => pool.end(),
  };
}

function prepareInsert(on: Pick<NodePgDatabase, 'insert'>) {
  return on.insert(messages).values(messagePlaceholders).prepare('insert');
}

function prepareUpdate(on: Pick<NodePgDatabase, 'update'>) {
  return on
    .update(threads)
    .set({
      title: sql`${given('title')}`,
      next_seq: sql`${given('next_seq')}`,
      updated_at: sql`${given('updated_at')}`,
      version: sql`${threads.version} + 1`,
    })
    .where(and(eq(threads.id, given('id')), eq(threads.version, given('version'))))
    .prepare('update');
}
