import type { Kysely } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import { requireOneRow, type Contender, type MessageRow, type ThreadRow } from '../contender.ts';

/** The work in Kysely's words, on any dialect. @param close ends what the handle stands on */
export function callKysely(db: Kysely<ChatDatabase>, close: () => Promise<void>): Contender {
  return {
    findMessage: (id) => db.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst(),
    async readThread(id) {
      const thread = await db
        .selectFrom('context_threads')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      const messages = await db
        .selectFrom('messages')
        .selectAll()
        .where('thread_id', '=', id)
        .orderBy('seq', 'desc')
        .limit(50)
        .execute();
      return { thread, messages };
    },
    pageThreads: ({ ownerId, updatedAt, id }) =>
      db
        .selectFrom('context_threads')
        .selectAll()
        .where('owner_id', '=', ownerId)
        .where((eb) => eb(eb.refTuple('updated_at', 'id'), '<', eb.tuple(updatedAt, id)))
        .orderBy('updated_at', 'desc')
        .orderBy('id', 'desc')
        .limit(20)
        .execute(),
    filterMessages({ threadId, role, since, statuses }) {
      let query = db.selectFrom('messages').selectAll().where('thread_id', '=', threadId);
      if (role !== undefined) query = query.where('role', '=', role);
      if (since !== undefined) query = query.where('created_at', '>=', since);
      if (statuses !== undefined) query = query.where('status', 'in', statuses);
      return query.orderBy('seq', 'desc').limit(20).execute();
    },
    insertMessage: (message) => insertMessages(db, [message]),
    insertMessages: (messages) => insertMessages(db, messages),
    renameThread: (thread) => updateThread(db, thread),
    appendMessage: (message, thread) =>
      db.transaction().execute(async (tx) => {
        await insertMessages(tx, [message]);
        await updateThread(tx, thread);
      }),
    close,
  };
}

async function insertMessages(db: Kysely<ChatDatabase>, messages: readonly MessageRow[]): Promise<void> {
  await db.insertInto('messages').values(messages).execute();
}

async function updateThread(db: Kysely<ChatDatabase>, thread: ThreadRow): Promise<void> {
  const { id, title, next_seq, updated_at, version } = thread;
  const { numUpdatedRows } = await db
    .updateTable('context_threads')
    .set({ title, next_seq, updated_at, version: version + 1 })
    .where('id', '=', id)
    .where('version', '=', version)
    .executeTakeFirstOrThrow();
  requireOneRow(numUpdatedRows);
}
