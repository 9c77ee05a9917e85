import { ValidationError } from '../../core/index.ts';
import type { MessageId, ThreadId } from '../ids.ts';
import type { MessageRole } from '../conversation/message-role.ts';
import type { MessageStatus } from '../conversation/message-status.ts';
import { createMessage, type Message } from '../conversation/message.ts';
import { findLegacyId, isLegacyId, makeLegacyId } from './legacy-id.ts';
import { isJsonObject } from './legacy-json.ts';
import { keptNote, leftOutNote, rawOf, type LegacyNote } from './legacy-note.ts';
import { mendText } from './legacy-text.ts';
import { readLegacyTime } from './legacy-time.ts';

/** The thread that a message lies in. */
export interface LegacyMessageContext {
  readonly threadId: ThreadId;
  /** The thread's id as it stood there. */
  readonly legacyThreadId: string | undefined;
  /** The place that the message gets, from 1. */
  readonly seq: number;
  /** When it was written, where it does not say so itself. */
  readonly fallbackTime: number;
}

/** A message that was read, and where it stood. */
export interface LegacyMessage {
  /** Its place in the JSON array, from 0. */
  readonly index: number;
  readonly message: Message;
  /** Its id as it stood there, where that was no UUID. */
  readonly legacyId: string | undefined;
}

const roles: ReadonlySet<unknown> = new Set<MessageRole>(['user', 'assistant', 'system', 'tool']);
const statuses: ReadonlySet<unknown> = new Set<MessageStatus>([
  'pending',
  'streaming',
  'complete',
  'error',
  'interrupted',
]);
const fields: ReadonlySet<string> = new Set([
  'id',
  'threadId',
  'role',
  'content',
  'createdAt',
  'metadata',
  'status',
]);
const maxBytes = 1024 * 1024;

/**
 * Reads a member of a legacy thread's array of messages.
 *
 * @param element anything
 * @param index its place in the array, from 0
 * @param context the thread
 * @param notes are told of all that is not as it should be
 * @returns undefined where it cannot be a message; the note says why, and holds it whole
 */
export function readLegacyMessage(
  element: unknown,
  index: number,
  context: LegacyMessageContext,
  notes: LegacyNote[],
): LegacyMessage | undefined {
  const place = `messages.${index}`;
  const refuse = (reason: LegacyNote['reason']): undefined => {
    notes.push(leftOutNote(place, reason, rawOf(element)));
    return undefined;
  };
  if (!isJsonObject(element)) return refuse('message-is-no-object');
  const { role, content, metadata, threadId } = element;
  if (!roles.has(role)) return refuse('unknown-role');
  if (typeof content !== 'string') return refuse('content-is-no-text');

  const own: LegacyNote[] = [];
  for (const field of Object.keys(element)) {
    if (!fields.has(field))
      own.push(keptNote(`${place}.other`, 'unknown-field', rawOf({ [field]: element[field] })));
  }
  if (threadId !== undefined && threadId !== null && !isThread(threadId, context)) {
    own.push(keptNote(`${place}.threadId`, 'foreign-thread-id', rawOf(threadId)));
  }
  const { id, legacyId } = readId(element['id'], place, context, own);
  const text = readContent(content, place, own);
  const status = readStatus(element['status'], text, place, own);
  const createdAt = readLegacyTime(element['createdAt'], context.fallbackTime, `${place}.createdAt`, own);

  const made = {
    threadId: context.threadId,
    seq: context.seq,
    role: role as MessageRole,
    content: text,
    status,
  };
  const settings = { now: createdAt, id: id as MessageId };
  try {
    const message = createWith({ ...made, metadata: metadata ?? undefined }, settings, place, own);
    for (const note of own) notes.push({ ...note, seq: context.seq });
    return { index, message, legacyId };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return refuse('record-is-unreadable');
  }
}

/** Metadata that is no JSON object, or more than there may be, does not keep its message out. */
function createWith(
  made: Parameters<typeof createMessage>[0],
  settings: Parameters<typeof createMessage>[1],
  place: string,
  notes: LegacyNote[],
): Message {
  try {
    return createMessage(made, settings);
  } catch (error) {
    if (made.metadata === undefined || !(error instanceof ValidationError)) throw error;
    const message = createMessage({ ...made, metadata: undefined }, settings);
    notes.push(keptNote(`${place}.metadata`, 'metadata-is-unreadable', rawOf(made.metadata)));
    return message;
  }
}

function isThread(threadId: unknown, context: LegacyMessageContext): boolean {
  if (threadId === context.legacyThreadId) return true;
  return typeof threadId === 'string' && threadId.toLowerCase() === context.threadId;
}

function readId(
  id: unknown,
  place: string,
  { threadId }: LegacyMessageContext,
  notes: LegacyNote[],
): { readonly id: string; readonly legacyId: string | undefined } {
  if (isLegacyId(id)) return findLegacyId(id, 'messages', threadId);
  notes.push(keptNote(`${place}.id`, 'no-id', rawOf(id)));
  return { id: makeLegacyId('messages', threadId, '', place), legacyId: undefined };
}

function readContent(content: string, place: string, notes: LegacyNote[]): string {
  const text = mendText(content);
  if (text !== content) notes.push(keptNote(`${place}.content`, 'text-is-unstorable', rawOf(content)));
  if (Buffer.byteLength(text) <= maxBytes) return text;
  notes.push(keptNote(`${place}.content`, 'content-too-long', rawOf(content)));
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/** Nothing says that an answer without a word was an answer: it counts as stopped before its first one. */
function readStatus(status: unknown, content: string, place: string, notes: LegacyNote[]): MessageStatus {
  if (statuses.has(status) && (status !== 'complete' || content !== '')) return status as MessageStatus;
  const isMissing = status === undefined || status === null;
  if (!isMissing && status !== 'complete') {
    notes.push(keptNote(`${place}.status`, 'unknown-status', rawOf(status)));
  } else if (content === '') {
    notes.push(keptNote(`${place}.status`, 'content-is-empty', rawOf(status)));
  }
  return content === '' ? 'interrupted' : 'complete';
}
