import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import type { Cursor, DatabaseProvider, Page, RepositoryProvider } from '../../src/core/index.ts';
import type { Contender, ContenderOptions, MessageRow, ThreadRow } from '../contender.ts';
import { loadCore } from '../library.ts';
import { openProvider } from './liminal-provider.ts';

/** The library's repositories, with all their checks. Their entities are the rows. */
export async function open(options: ContenderOptions): Promise<Contender> {
  const provider = openProvider(options);
  const messages = makeMessages(provider);
  const threads = makeThreads(provider);
  const unitOfWork = new UnitOfWork(provider, {
    repositories: { messages: makeMessages, threads: makeThreads },
  });
  const cursors = await findCursors(provider, threads);
  return {
    findMessage: (id) => messages.findById(id),
    async readThread(id) {
      const thread = await threads.findById(id);
      return {
        thread,
        messages: await messages.findMany({ thread_id: id }, { orderBy: 'seq desc', limit: 50 }),
      };
    },
    async pageThreads({ ownerId, id }) {
      const page = { orderBy: 'updated_at desc', limit: 20, after: cursors.get(id)! } as const;
      return (await threads.page({ owner_id: ownerId }, page)).items;
    },
    filterMessages: ({ threadId, role, since, statuses }) =>
      messages.findMany(
        {
          thread_id: threadId,
          ...(role !== undefined && { role }),
          ...(since !== undefined && { created_at: { gte: since } }),
          ...(statuses !== undefined && { status: { in: statuses } }),
        },
        { orderBy: 'seq desc', limit: 20 },
      ),
    insertMessage: async (message) => void (await messages.insert(message)),
    insertMessages: async (rows) => void (await messages.insertMany(rows)),
    renameThread: async (thread) => void (await threads.update(thread)),
    appendMessage: (message, thread) =>
      provider.transaction(async (on) => {
        await messages.insert(message, { on });
        await threads.update(thread, { on });
      }),
    appendMessageAsUnit: (message, thread) =>
      unitOfWork.run(async ({ repositories }) => {
        await repositories.messages.insert(message);
        await repositories.threads.update(thread);
      }),
    close: () => provider.close(),
  };
}

/**
 * The cursor behind each thread by its id. A client has it from the page before; pages of one row give them
 * all, before any thread moves.
 */
async function findCursors(
  provider: DatabaseProvider<ChatDatabase>,
  threads: ReturnType<typeof makeThreads>,
): Promise<ReadonlyMap<string, Cursor>> {
  const cursors = new Map<string, Cursor>();
  for (const { id: owner_id } of await provider.db.selectFrom('users').select('id').execute()) {
    let after: Cursor | undefined;
    do {
      const page: Page<ThreadRow> = await threads.page(
        { owner_id },
        { orderBy: 'updated_at desc', limit: 1, ...(after !== undefined && { after }) },
      );
      after = page.nextCursor;
      if (after !== undefined) cursors.set(page.items[0]!.id, after);
    } while (after !== undefined);
  }
  return cursors;
}

const { Repository, UnitOfWork } = await loadCore();

function makeMessages(provider: RepositoryProvider<ChatDatabase>) {
  return new Repository<ChatDatabase, 'messages', MessageRow>(provider, {
    table: 'messages',
    key: 'id',
    version: 'version',
    columns: {
      id: 'uuid',
      thread_id: 'uuid',
      seq: 'integer',
      role: 'text',
      content: 'text',
      status: 'text',
      metadata: 'json?',
      version: 'integer',
      created_at: 'integer',
    },
    mapper: { fromRow: (row) => row, toRow: (message) => message },
  });
}

function makeThreads(provider: RepositoryProvider<ChatDatabase>) {
  return new Repository<ChatDatabase, 'context_threads', ThreadRow>(provider, {
    table: 'context_threads',
    key: 'id',
    version: 'version',
    insertOnly: ['created_at', 'owner_id', 'source_id'],
    columns: {
      id: 'uuid',
      owner_id: 'uuid?',
      source_id: 'text?',
      title: 'text?',
      metadata: 'json?',
      next_seq: 'integer',
      version: 'integer',
      created_at: 'integer',
      updated_at: 'integer',
    },
    mapper: { fromRow: (row) => row, toRow: (thread) => thread },
  });
}
