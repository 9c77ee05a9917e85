import { ValidationError } from '../../core/index.ts';
import type { UserId } from '../ids.ts';
import { contextThreadToRow } from './context-thread-mapper.ts';
import { advanceThread, createThread, type ContextThread } from './context-thread.ts';
import type { ConversationParts } from './conversation-parts.ts';
import { createMessage, type Message } from './message.ts';
import type { NewMessage } from './new-message.ts';

/** A thread as it comes from elsewhere. */
export interface ImportedThread {
  /** How the place of origin names it; a second import passes it over. 1 to 255 characters. */
  readonly sourceId: string;
  readonly ownerId?: UserId | undefined;
  readonly title?: string | undefined;
  readonly metadata?: unknown;
  /** In ms since the Unix epoch; the time of the import by default. */
  readonly createdAt?: number | undefined;
  /** In their order. */
  readonly messages: readonly ImportedMessage[];
}

/** A message of an imported thread. */
export interface ImportedMessage extends NewMessage {
  /** In ms since the Unix epoch; the thread's `createdAt` by default. */
  readonly createdAt?: number | undefined;
}

/** What an import did, or has done so far. */
export interface ImportReport {
  /** Threads that were stored. */
  readonly threads: number;
  /** Messages that were stored. */
  readonly messages: number;
  /** Threads that were there already. */
  readonly skipped: number;
}

/** How an import reports. */
export interface ImportOptions {
  /** Called behind the commit of each transaction, with the sums so far. */
  readonly onProgress?: ((report: ImportReport) => void) | undefined;
}

interface PreparedThread {
  readonly thread: ContextThread;
  readonly messages: readonly Message[];
}

const batchSize = 50;

/** Imports threads in batches, a transaction each; see `ConversationService.importThreads`. */
export async function importThreads(
  parts: ConversationParts,
  threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>,
  { onProgress = () => {} }: ImportOptions,
): Promise<ImportReport> {
  let report: ImportReport = { threads: 0, messages: 0, skipped: 0 };
  let number = 0;
  let batch: PreparedThread[] = [];
  const store = async () => {
    report = add(report, await storeBatch(parts, batch));
    batch = [];
    onProgress(report);
  };
  for await (const imported of threads) {
    batch.push(prepare(imported, number, parts.clock.now()));
    number += 1;
    if (batch.length === batchSize) await store();
  }
  if (batch.length > 0) await store();
  return report;
}

function storeBatch(parts: ConversationParts, batch: readonly PreparedThread[]): Promise<ImportReport> {
  return parts.provider.transaction(async (on) => {
    const stored = await on
      .insertInto('context_threads')
      .values(batch.map(({ thread }) => contextThreadToRow(thread)))
      .onConflict((conflict) => conflict.column('source_id').doNothing())
      .returning('id')
      .execute();
    const ids = new Set<string>(stored.map(({ id }) => id));
    const messages = batch
      .filter(({ thread }) => ids.has(thread.id))
      .flatMap((prepared) => prepared.messages);
    await parts.messages.insertMany(messages, { on });
    await parts.search.add(on, messages);
    return { threads: ids.size, messages: messages.length, skipped: batch.length - ids.size };
  });
}

function prepare(imported: ImportedThread, number: number, now: number): PreparedThread {
  try {
    const createdAt = imported.createdAt ?? now;
    const thread = createThread(imported, { now: createdAt });
    const messages = imported.messages.map((message, index) =>
      createMessage(
        { ...message, threadId: thread.id, seq: index + 1 },
        { now: message.createdAt ?? createdAt },
      ),
    );
    if (messages.length === 0) return { thread, messages };
    const latest = Math.max(...messages.map((message) => message.createdAt));
    return { thread: advanceThread(thread, messages.length, { now: latest }), messages };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(
      error.issues.map(({ path, message }) => ({ path: ['threads', number, ...path], message })),
      { cause: error },
    );
  }
}

function add(one: ImportReport, other: ImportReport): ImportReport {
  return {
    threads: one.threads + other.threads,
    messages: one.messages + other.messages,
    skipped: one.skipped + other.skipped,
  };
}
