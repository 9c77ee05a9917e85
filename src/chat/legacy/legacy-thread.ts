import type { ThreadId } from '../ids.ts';
import { createThread, type ContextThread } from '../conversation/context-thread.ts';
import { parseJsonObject } from '../json-value.ts';
import { ValidationError } from '../../core/index.ts';
import { findLegacyId, isLegacyId, makeLegacyId } from './legacy-id.ts';
import { isShallow, parseJson } from './legacy-json.ts';
import { readLegacyMessage, type LegacyMessage } from './legacy-message.ts';
import { keptNote, leftOutNote, rawOf, type LegacyNote } from './legacy-note.ts';
import type { LegacyThreadRow } from './legacy-rows.ts';
import { readLegacyText, readShortText } from './legacy-text.ts';
import { readLegacyTime } from './legacy-time.ts';

/** A thread that was read, with all that could be saved of it. */
export interface LegacyThread {
  /** Which database it comes from, from 1, and its place there. */
  readonly source: number;
  readonly rowid: string;
  readonly thread: ContextThread;
  /** In their order, numbered without gaps. */
  readonly messages: readonly LegacyMessage[];
  /** The id as it stood there, where it can be said. */
  readonly statedId: string | undefined;
  /** The same, where it was no UUID. */
  readonly legacyId: string | undefined;
  /** All that was not as it should be. */
  readonly notes: readonly LegacyNote[];
  /** What a note keeps of the thread where it does not come in at all. */
  rawOfAll(): string;
}

const maxTitle = 200;

/** Reads a row of `context_threads`. Whatever it holds, something comes out of it. */
export function readLegacyThread(row: LegacyThreadRow, source: number): LegacyThread {
  const notes: LegacyNote[] = [];
  const { id, statedId, legacyId } = readRecordId(row.id, ['context_threads', source, row.rowid], notes);
  const threadId = id as ThreadId;
  const title = readShortText(readLegacyText(row.title, 'title', notes), { max: maxTitle }, 'title', notes);
  const metadata = readMetadata(readLegacyText(row.metadata, 'metadata', notes), notes);
  const elements = readElements(readLegacyText(row.messages, 'messages', notes), notes);
  const { createdAt, updatedAt } = readTimes(row, notes);

  const messages: LegacyMessage[] = [];
  let fallbackTime = createdAt;
  for (const [index, element] of elements.entries()) {
    const seq = messages.length + 1;
    const context = { threadId, legacyThreadId: statedId, seq, fallbackTime };
    const read = readLegacyMessage(element, index, context, notes);
    if (read === undefined) continue;
    messages.push(read);
    fallbackTime = read.message.createdAt;
  }
  const empty = createThread({ title, metadata }, { now: createdAt, id: threadId });
  const thread = Object.freeze({ ...empty, nextSeq: messages.length + 1, updatedAt });
  const rawOfAll = (): string =>
    rawOf({ ...textsOf(row), created_at: row.created_at, updated_at: row.updated_at });
  return { source, rowid: row.rowid, thread, messages, statedId, legacyId, notes, rawOfAll };
}

/**
 * Reads the id of a row.
 *
 * @param bytes what the column holds
 * @param place the table, the source and the place of the row
 * @param notes are told where there is no id
 */
export function readRecordId(
  bytes: Uint8Array | null,
  [table, source, rowid]: readonly [string, number, string],
  notes: LegacyNote[],
): { readonly id: string; readonly statedId: string | undefined; readonly legacyId: string | undefined } {
  const text = readLegacyText(bytes, 'id', notes);
  if (isLegacyId(text)) {
    return { ...findLegacyId(text, table), statedId: text };
  }
  notes.push(keptNote('id', 'no-id', rawOf(text)));
  return {
    id: makeLegacyId(table, '', String(source), rowid),
    statedId: undefined,
    legacyId: undefined,
  };
}

/** Reads when a record was made and changed; either stands in for the other one. */
export function readTimes(
  row: { readonly created_at: unknown; readonly updated_at: unknown },
  notes: LegacyNote[],
): { readonly createdAt: number; readonly updatedAt: number } {
  const created = readLegacyTime(row.created_at, undefined, 'created_at', notes);
  const updated = readLegacyTime(row.updated_at, undefined, 'updated_at', notes);
  return { createdAt: created ?? updated ?? 0, updatedAt: updated ?? created ?? 0 };
}

function readMetadata(text: string | undefined, notes: LegacyNote[]): unknown {
  if (text === undefined || text.trim() === '') return undefined;
  const value = parseJson(text);
  if (value === null) return undefined;
  try {
    if (typeof value !== 'object' || isShallow(value)) return parseJsonObject(value);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
  }
  notes.push(keptNote('metadata', 'metadata-is-unreadable', rawOf(text)));
  return undefined;
}

function readElements(text: string | undefined, notes: LegacyNote[]): readonly unknown[] {
  const value = text === undefined ? undefined : parseJson(text);
  if (Array.isArray(value) && isShallow(value)) return value;
  const reason = value === undefined || Array.isArray(value) ? 'json-is-unreadable' : 'json-is-no-array';
  notes.push(leftOutNote('messages', reason, rawOf(text)));
  return [];
}

function textsOf({ id, title, metadata, messages }: LegacyThreadRow): Record<string, string | null> {
  const texts = Object.entries({ id, title, metadata, messages });
  return Object.fromEntries(
    texts.map(([name, bytes]) => [name, bytes === null ? null : Buffer.from(bytes).toString('utf8')]),
  );
}
