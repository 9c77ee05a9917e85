import type pg from 'pg';
import {
  requireOneRow,
  type Contender,
  type MessageRow,
  type PostgresOptions,
  type ThreadRow,
} from '../contender.ts';
import { openPool } from './postgres-pool.ts';

const messageColumns = 'id, thread_id, seq, role, content, status, metadata::text, version, created_at';
const threadColumns =
  'id, owner_id, source_id, title, metadata::text, next_seq, version, created_at, updated_at';
const insertedColumns = messageColumns.replace('::text', '');

type Queryable = pg.Pool | pg.PoolClient;

/** pg with named statements written by hand, and a pool of 10. */
export async function open(options: PostgresOptions): Promise<Contender> {
  const pool = openPool(options);
  const find = async <Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]) =>
    (await pool.query<Row>({ name, text, values })).rows;

  return {
    findMessage: async (id) => (await find<MessageRow>('message', messageById, [id]))[0],
    async readThread(id) {
      const [thread] = await find<ThreadRow>('thread', threadById, [id]);
      return { thread, messages: await find<MessageRow>('latest', latestMessages, [id]) };
    },
    pageThreads: ({ ownerId, updatedAt, id }) => find('page', threadsBefore, [ownerId, updatedAt, id]),
    filterMessages({ threadId, role, since, statuses }) {
      let shape = '';
      const values: unknown[] = [threadId];
      if (role !== undefined) shape += ` and role = $${values.push(role)}`;
      if (since !== undefined) shape += ` and created_at >= $${values.push(since)}`;
      if (statuses !== undefined)
        shape += ` and status in ($${values.push(statuses[0])}, $${values.push(statuses[1])})`;
      const text = `select ${messageColumns} from messages where thread_id = $1${shape} order by seq desc limit 20`;
      return find(`filter${shape}`, text, values);
    },
    insertMessage: (message) => insertMessages(pool, [message]),
    insertMessages: (messages) => insertMessages(pool, messages),
    renameThread: (thread) => updateThread(pool, thread),
    async appendMessage(message, thread) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await insertMessages(client, [message]);
        await updateThread(client, thread);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
    close: () => pool.end(),
  };
}

const messageById = `select ${messageColumns} from messages where id = $1`;
const threadById = `select ${threadColumns} from context_threads where id = $1`;
const latestMessages = `select ${messageColumns} from messages where thread_id = $1 order by seq desc limit 50`;
const threadsBefore = `select ${threadColumns} from context_threads
  where owner_id = $1 and (updated_at, id) < ($2, $3) order by updated_at desc, id desc limit 20`;
const threadUpdate = `update context_threads set title = $1, next_seq = $2, updated_at = $3, version = $4
  where id = $5 and version = $6`;

const insertTexts = new Map<number, string>();

/** One statement with a list of rows; its text is made once for each length. */
async function insertMessages(on: Queryable, messages: readonly MessageRow[]): Promise<void> {
  const { length } = messages;
  let text = insertTexts.get(length);
  if (text === undefined) {
    const row = (number: number) =>
      `(${Array.from({ length: 9 }, (_, column) => `$${number * 9 + column + 1}`).join(', ')})`;
    text = `insert into messages (${insertedColumns}) values ${Array.from({ length }, (_, number) => row(number)).join(', ')}`;
    insertTexts.set(length, text);
  }
  const values: unknown[] = [];
  for (const { id, thread_id, seq, role, content, status, metadata, version, created_at } of messages) {
    values.push(id, thread_id, seq, role, content, status, metadata, version, created_at);
  }
  await on.query({ name: `insert ${length}`, text, values });
}

async function updateThread(on: Queryable, thread: ThreadRow): Promise<void> {
  const { id, title, next_seq, updated_at, version } = thread;
  const values = [title, next_seq, updated_at, version + 1, id, version];
  requireOneRow((await on.query({ name: 'update thread', text: threadUpdate, values })).rowCount);
}
