import { setImmediate } from 'node:timers/promises';
import { ValidationError, type Issue } from '../../core/index.ts';
import type { UserId } from '../ids.ts';
import { advanceThread, createThread, type ContextThread } from './context-thread.ts';
import type { ConversationParts } from './conversation-parts.ts';
import { searchEntryOf, type SearchEntry } from './message-search.ts';
import { createMessage, type Message } from './message.ts';
import type { NewMessage } from './new-message.ts';

/** A thread as it comes from elsewhere. */
export interface ImportedThread {
  /** How the place of origin names it; a second import passes it over. 1 to 255 characters. */
  readonly sourceId: string;
  /** Whose it is; nobody's where it is left out. */
  readonly ownerId?: UserId | undefined;
  /** 1 to 200 characters. */
  readonly title?: string | undefined;
  /** A JSON object of at most 64 KiB. */
  readonly metadata?: unknown;
  /** In ms since the Unix epoch; the time of the import by default. */
  readonly createdAt?: number | undefined;
  /** In their order. */
  readonly messages: readonly ImportedMessage[];
}

/** A message of an imported thread. */
export interface ImportedMessage extends Omit<NewMessage, 'id'> {
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
  /** Called behind each transaction with the sums so far; inside of a unit of work before its commit. */
  readonly onProgress?: ((report: ImportReport) => void) | undefined;
}

interface PreparedThread {
  readonly thread: ContextThread;
  readonly messages: readonly Message[];
  readonly entries: readonly SearchEntry[];
  /** In UTF-16 code units. */
  readonly size: number;
}

// A transaction keeps every other writer waiting, so it must stay short: some 100 ms at these limits.
const maxThreads = 50;
const maxMessages = 2_000;
const maxSize = 2 ** 20;

/** What can be read once and has been: a unit of work that runs again must not take its rest for the whole. */
const readOnce = new WeakSet<object>();

/** Imports threads in batches, a transaction each; see `ConversationService.importThreads`. */
export async function importThreads(
  parts: ConversationParts,
  threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>,
  { onProgress = () => {} }: ImportOptions,
): Promise<ImportReport> {
  requireUnread(threads);
  let report: ImportReport = { threads: 0, messages: 0, skipped: 0 };
  let number = 0;
  let batch: PreparedThread[] = [];
  const store = async () => {
    report = add(report, await storeBatch(parts, batch));
    batch = [];
    onProgress(report);
    // Preparing takes no turns of its own; what else the process has to do gets one here.
    await setImmediate();
  };
  for await (const imported of threads) {
    batch.push(prepare(imported, number, parts.clock.now()));
    number += 1;
    if (isFull(batch)) await store();
  }
  if (batch.length > 0) await store();
  return report;
}

function requireUnread(threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>): void {
  // An iterator, such as a generator, is at its end for whoever comes second.
  if (!('next' in threads)) return;
  if (readOnce.has(threads)) throw fault(['threads'], 'have been read already, and can be read once');
  readOnce.add(threads);
}

function isFull(batch: readonly PreparedThread[]): boolean {
  const messages = batch.reduce((sum, prepared) => sum + prepared.messages.length, 0);
  const size = batch.reduce((sum, prepared) => sum + prepared.size, 0);
  return batch.length >= maxThreads || messages >= maxMessages || size >= maxSize;
}

function storeBatch(parts: ConversationParts, batch: readonly PreparedThread[]): Promise<ImportReport> {
  // In one order everywhere, so that imports of the same threads at once wait for each other, not in a ring.
  const threads = batch
    .map(({ thread }) => thread)
    .sort((one, other) => ((one.sourceId ?? '') < (other.sourceId ?? '') ? -1 : 1));
  return parts.provider.transaction(async (on) => {
    const stored = await parts.threads.insertMissing(threads, { conflict: ['source_id'], on });
    const ids = new Set<string>(stored.map(({ id }) => id));
    const inserted = batch.filter(({ thread }) => ids.has(thread.id));
    const messages = inserted.flatMap((prepared) => prepared.messages);
    await parts.messages.insertMany(messages, { on });
    await parts.search.store(
      on,
      inserted.flatMap((prepared) => prepared.entries),
    );
    return { threads: ids.size, messages: messages.length, skipped: batch.length - ids.size };
  });
}

function prepare(imported: ImportedThread, number: number, now: number): PreparedThread {
  return located(['threads', number], () => prepareThread(requireObject(imported, []), now));
}

function prepareThread(imported: ImportedThread, now: number): PreparedThread {
  const createdAt = imported.createdAt ?? now;
  // Else a second import would store it once more.
  if (typeof imported.sourceId !== 'string') throw fault(['sourceId'], 'must be a text');
  if (!Array.isArray(imported.messages)) throw fault(['messages'], 'must be a list');
  const empty = createThread(imported, { now: createdAt });
  const messages = imported.messages.map((message: ImportedMessage, index) => {
    const path = ['messages', index];
    const fields = { ...requireObject(message, path), threadId: empty.id, seq: index + 1 };
    return located(path, () => createMessage(fields, { now: fields.createdAt ?? createdAt }));
  });
  const latest = messages.reduce((time, message) => Math.max(time, message.createdAt), createdAt);
  return {
    thread: messages.length === 0 ? empty : advanceThread(empty, messages.length, { now: latest }),
    messages,
    entries: messages.map(searchEntryOf),
    size: messages.reduce((sum, message) => sum + message.content.length, 0),
  };
}

/** Puts the place of what is made in front of its faults. */
function located<Made>(place: Issue['path'], make: () => Made): Made {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new ValidationError(
      error.issues.map(({ path, message }) => ({ path: [...place, ...path], message })),
      { cause: error },
    );
  }
}

function requireObject<Value>(value: Value, path: Issue['path']): Value {
  if (typeof value === 'object' && value !== null) return value;
  throw fault(path, 'must be an object');
}

function fault(path: Issue['path'], message: string): ValidationError {
  return new ValidationError([{ path, message }]);
}

function add(one: ImportReport, other: ImportReport): ImportReport {
  return {
    threads: one.threads + other.threads,
    messages: one.messages + other.messages,
    skipped: one.skipped + other.skipped,
  };
}
