import type { ContextThreadRepository } from '../conversation/context-thread-repository.ts';
import type { MessageRepository } from '../conversation/message-repository.ts';
import { searchEntryOf, type MessageSearch, type SearchEntry } from '../conversation/message-search.ts';
import type { Message } from '../conversation/message.ts';
import type { MessageId } from '../ids.ts';
import { makeLegacyId } from './legacy-id.ts';
import type { LegacyMessage } from './legacy-message.ts';
import { keptNote, leftOutNote, rawOf, withoutRecord, type LegacyNote } from './legacy-note.ts';
import type { LegacyHandle } from './legacy-tables.ts';
import type { LegacyThread } from './legacy-thread.ts';
import { storeGivenIds, storeNotes, type GivenId, type NotedRecord } from './store-notes.ts';

/** What stores threads. */
export interface ThreadStores {
  readonly threads: ContextThreadRepository;
  readonly messages: MessageRepository;
  readonly search: MessageSearch;
}

/** Threads that are stored together, with what the search keeps of them. */
export interface ThreadBatch {
  readonly threads: readonly LegacyThread[];
  /** By the message, as it was read. */
  readonly entries: ReadonlyMap<Message, SearchEntry>;
}

/** What was stored. */
export interface StoredThreads {
  readonly threads: number;
  readonly messages: number;
}

/** Ids that are looked up by one statement. */
const idsPerStatement = 500;
/** As many as make preparing cheap, and few enough that nearly all statements are the same one, which stays prepared. */
const rowsPerStatement = 100;

/** Prepares what takes time, before a transaction begins. */
export function prepareThreads(threads: readonly LegacyThread[]): ThreadBatch {
  const messages = threads.flatMap((thread) => thread.messages.map(({ message }) => message));
  return { threads, entries: new Map(messages.map((message) => [message, searchEntryOf(message)])) };
}

/**
 * Stores threads with their messages and with all that is to be said of them. A thread whose id is taken is left out; a
 * message whose id is taken gets another one.
 */
export async function storeThreads(
  tx: LegacyHandle,
  { threads: read, entries }: ThreadBatch,
  { threads, messages, search }: ThreadStores,
): Promise<StoredThreads> {
  const taken = await findIds(
    tx,
    'context_threads',
    read.map(({ thread }) => thread.id),
  );
  const takenMessages = await findIds(
    tx,
    'messages',
    read.flatMap((one) => one.messages.map(({ message }) => message.id)),
  );
  const records: NotedRecord[] = [];
  const given: GivenId[] = [];
  const stored: LegacyThread[] = [];
  const storedMessages: Message[] = [];
  const storedEntries: SearchEntry[] = [];
  for (const one of read) {
    const { thread, statedId, legacyId, source, rowid } = one;
    const isTaken = taken.has(thread.id);
    const notes: LegacyNote[] = isTaken ? one.notes.map(withoutRecord) : [...one.notes];
    records.push({ source, table: 'context_threads', rowid, legacyId: statedId, notes });
    if (isTaken) {
      notes.push(leftOutNote('id', 'duplicate-id', one.rawOfAll()));
      continue;
    }
    taken.add(thread.id);
    stored.push(one);
    if (legacyId !== undefined) given.push({ table: 'context_threads', id: thread.id, legacyId });
    for (const each of one.messages) {
      const message = withFreeId(each, takenMessages, notes);
      storedMessages.push(message);
      storedEntries.push({ ...entries.get(each.message)!, message_id: message.id });
      if (message === each.message && each.legacyId !== undefined) {
        given.push({ table: 'messages', id: message.id, legacyId: each.legacyId, threadId: thread.id });
      }
    }
  }
  await threads.insertMany(
    stored.map(({ thread }) => thread),
    { on: tx },
  );
  for (const rows of inStatements(storedMessages)) await messages.insertMany(rows, { on: tx });
  for (const rows of inStatements(storedEntries)) await search.store(tx, rows);
  await storeNotes(tx, records);
  await storeGivenIds(tx, given);
  return { threads: stored.length, messages: storedMessages.length };
}

/** Finds which ids a table has already. */
export async function findIds(
  tx: LegacyHandle,
  table: 'context_threads' | 'messages' | 'users',
  ids: readonly string[],
): Promise<Set<string>> {
  const found = new Set<string>();
  for (let from = 0; from < ids.length; from += idsPerStatement) {
    const rows = await tx
      .selectFrom(table)
      .select('id')
      .where('id', 'in', ids.slice(from, from + idsPerStatement))
      .execute();
    for (const { id } of rows) found.add(id);
  }
  return found;
}

function* inStatements<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += rowsPerStatement)
    yield rows.slice(from, from + rowsPerStatement);
}

function withFreeId(
  { index, message, legacyId }: LegacyMessage,
  taken: Set<string>,
  notes: LegacyNote[],
): Message {
  if (!taken.has(message.id)) {
    taken.add(message.id);
    return message;
  }
  const place = `messages.${index}`;
  const id = makeLegacyId('messages', message.threadId, 'again', place) as MessageId;
  taken.add(id);
  notes.push({ ...keptNote(`${place}.id`, 'duplicate-id', rawOf(legacyId ?? message.id)), seq: message.seq });
  return Object.freeze({ ...message, id });
}
