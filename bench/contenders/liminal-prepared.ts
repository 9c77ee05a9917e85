import { sql } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { DatabaseProvider, Param } from '../../src/core/index.ts';
import {
  requireOneRow,
  type Contender,
  type ContenderOptions,
  type MessageFilter,
  type MessageRow,
  type PagePlace,
  type ThreadRow,
} from '../contender.ts';
import { loadCore } from '../library.ts';
import { openProvider } from './liminal-provider.ts';

const { prepare } = await loadCore();

/** The library's prepared queries and batches. */
export async function open(options: ContenderOptions): Promise<Contender> {
  const provider = openProvider(options);
  const messageById = prepare(provider, (db, param: Param<{ id: string }>) =>
    db.selectFrom('messages').selectAll().where('id', '=', param('id')),
  );
  const threadById = prepare(provider, (db, param: Param<{ id: string }>) =>
    db.selectFrom('context_threads').selectAll().where('id', '=', param('id')),
  );
  const latestMessages = prepare(provider, (db, param: Param<{ id: string }>) =>
    db
      .selectFrom('messages')
      .selectAll()
      .where('thread_id', '=', param('id'))
      .orderBy('seq', 'desc')
      .limit(50),
  );
  const threadsBefore = prepare(provider, (db, param: Param<PagePlace>) =>
    db
      .selectFrom('context_threads')
      .selectAll()
      .where('owner_id', '=', param('ownerId'))
      .where((eb) => eb(eb.refTuple('updated_at', 'id'), '<', eb.tuple(param('updatedAt'), param('id'))))
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .limit(20),
  );
  const insert = prepareInsert(provider);
  const update = prepareUpdate(provider);
  const filterMessages = prepareFilters(provider);
  const insertMany = options.engine === 'postgres' ? prepareUnnest(provider) : undefined;

  return {
    findMessage: (id) => messageById.first({ id }),
    async readThread(id) {
      const thread = await threadById.first({ id });
      return { thread, messages: await latestMessages.execute({ id }) };
    },
    pageThreads: (place) => threadsBefore.execute(place),
    filterMessages,
    insertMessage: async (message) => void (await insert.execute(message)),
    insertMessages: async (messages) =>
      void (await (insertMany?.(messages) ??
        provider.batch(messages.map((message) => insert.with(message))))),
    async renameThread(thread) {
      requireOneRow((await update.firstOrThrow(toChange(thread))).numUpdatedRows);
    },
    appendMessage: (message, thread) =>
      provider.transaction(async (on) => {
        await insert.execute(message, { on });
        requireOneRow((await update.firstOrThrow(toChange(thread), { on })).numUpdatedRows);
      }),
    async appendMessageAsBatch(message, thread) {
      await provider.batch([insert.with(message), update.with(toChange(thread))]);
    },
    close: () => provider.close(),
  };
}

type ThreadChange = Pick<ThreadRow, 'id' | 'title' | 'next_seq' | 'updated_at' | 'version'>;

function toChange({ id, title, next_seq, updated_at, version }: ThreadRow): ThreadChange {
  return { id, title, next_seq, updated_at, version };
}

function prepareInsert(provider: DatabaseProvider<ChatDatabase>) {
  return prepare(provider, (db, param: Param<MessageRow>) =>
    db.insertInto('messages').values({
      id: param('id'),
      thread_id: param('thread_id'),
      seq: param('seq'),
      role: param('role'),
      content: param('content'),
      status: param('status'),
      metadata: param('metadata'),
      version: param('version'),
      created_at: param('created_at'),
    }),
  );
}

function prepareUpdate(provider: DatabaseProvider<ChatDatabase>) {
  return prepare(provider, (db, param: Param<ThreadChange>) =>
    db
      .updateTable('context_threads')
      .set(({ eb }) => ({
        title: param('title'),
        next_seq: param('next_seq'),
        updated_at: param('updated_at'),
        version: eb('version', '+', 1),
      }))
      .where('id', '=', param('id'))
      .where('version', '=', param('version')),
  );
}

/** One prepared query for each shape that was asked for. */
function prepareFilters(provider: DatabaseProvider<ChatDatabase>) {
  const prepareShape = ({ role, since, statuses }: MessageFilter) =>
    prepare(provider, (db, param) => {
      let query = db.selectFrom('messages').selectAll().where('thread_id', '=', param('threadId'));
      if (role !== undefined) query = query.where('role', '=', param('role'));
      if (since !== undefined) query = query.where('created_at', '>=', param('since'));
      if (statuses !== undefined) query = query.where('status', 'in', [param('status0'), param('status1')]);
      return query.orderBy('seq', 'desc').limit(20);
    });
  const shapes = new Map<number, ReturnType<typeof prepareShape>>();
  return (filter: MessageFilter): Promise<MessageRow[]> => {
    const { threadId, role, since, statuses } = filter;
    let shape = 0;
    const params: Record<string, unknown> = { threadId };
    if (role !== undefined) {
      shape |= 1;
      params['role'] = role;
    }
    if (since !== undefined) {
      shape |= 2;
      params['since'] = since;
    }
    if (statuses !== undefined) {
      shape |= 4;
      [params['status0'], params['status1']] = statuses;
    }
    let query = shapes.get(shape);
    if (query === undefined) {
      query = prepareShape(filter);
      shapes.set(shape, query);
    }
    return query.execute(params);
  };
}

/** Postgres takes the rows as a list for each column, so that one statement serves any number. */
function prepareUnnest(provider: DatabaseProvider<ChatDatabase>) {
  type Lists = { [Column in keyof MessageRow]: MessageRow[Column][] };
  const query = prepare(
    provider,
    (_, param: Param<Lists>) => sql`
      insert into messages (id, thread_id, seq, role, content, status, metadata, version, created_at)
      select * from unnest(
        ${param('id')}::uuid[], ${param('thread_id')}::uuid[], ${param('seq')}::int[], ${param('role')}::text[],
        ${param('content')}::text[], ${param('status')}::text[], ${param('metadata')}::jsonb[],
        ${param('version')}::int[], ${param('created_at')}::bigint[])`,
  );
  return (messages: readonly MessageRow[]) =>
    query.execute({
      id: messages.map(({ id }) => id),
      thread_id: messages.map(({ thread_id }) => thread_id),
      seq: messages.map(({ seq }) => seq),
      role: messages.map(({ role }) => role),
      content: messages.map(({ content }) => content),
      status: messages.map(({ status }) => status),
      metadata: messages.map(({ metadata }) => metadata),
      version: messages.map(({ version }) => version),
      created_at: messages.map(({ created_at }) => created_at),
    });
}
