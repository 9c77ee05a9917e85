import { checkFields, newId, ValidationError, type Entity } from '../../core/domain/index.ts';
import { MessageId, ThreadId } from '../ids.ts';
import { parseJsonObject, type JsonObject } from '../json-value.ts';
import { optional } from '../optional.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { MessageContent } from './message-content.ts';
import { parseMessageRole, type MessageRole } from './message-role.ts';
import { canFollow, parseMessageStatus, type MessageStatus } from './message-status.ts';

/** One message of a thread. */
export interface Message extends Entity<MessageId> {
  /** The thread that it belongs to, and goes with. */
  readonly threadId: ThreadId;
  /** Its place within the thread, from 1 and without gaps. */
  readonly seq: number;
  /** Who speaks. */
  readonly role: MessageRole;
  /** Never empty in a complete message. */
  readonly content: MessageContent;
  /** How far it has come. */
  readonly status: MessageStatus;
  /** What else is known of it (model, usage), open-ended by nature, frozen, up to 64 KiB. */
  readonly metadata: JsonObject | undefined;
  /** In ms since the Unix epoch. An imported message keeps the time of its origin. */
  readonly createdAt: number;
}

/**
 * Makes a new message; stores nothing.
 *
 * @param fields `status` is `complete` by default; `content` may be empty in any other
 * @param context `now` in ms since the Unix epoch; `id` where one is chosen already
 * @returns the message, at version 1
 * @throws ValidationError with the faults of all fields
 * @example
 * createMessage(
 *   { threadId: thread.id, seq: 1, role: 'user', content: 'Hello.' },
 *   { now: clock.now() },
 * );
 */
export function createMessage(
  fields: {
    readonly threadId: ThreadId;
    readonly seq: number;
    readonly role: MessageRole;
    readonly content: string;
    readonly status?: MessageStatus | undefined;
    readonly metadata?: unknown;
  },
  context: { readonly now: number; readonly id?: MessageId },
): Message {
  const { now, id = newId<MessageId>() } = context;
  const { status = 'complete' } = fields;
  return checkFields({
    id: () => MessageId.parse(id),
    threadId: () => ThreadId.parse(fields.threadId),
    seq: () => Counter.parse(fields.seq),
    role: () => parseMessageRole(fields.role),
    content: () => parseContentOf(status, fields.content),
    status: () => parseMessageStatus(status),
    metadata: () => optional(fields.metadata, parseJsonObject),
    version: () => 1,
    createdAt: () => EpochMillis.parse(now),
  });
}

/**
 * Gives a message another content. Its status stays: a complete message can be edited.
 *
 * @param message stays as it is
 * @param content the whole new content
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError where the content breaks a rule, or is empty and the message complete
 * @example
 * const longer = withContent(message, `${message.content} And more.`);
 */
export function withContent(message: Message, content: string): Message {
  const changes = checkFields({ content: () => parseContentOf(message.status, content) });
  return Object.freeze({ ...message, ...changes });
}

/**
 * Gives a message another status.
 *
 * @param message stays as it is
 * @param status the new status; the one that it has already changes nothing
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError where the status cannot follow the present one, and where an empty message is to
 *   be complete
 * @example
 * const failed = withStatus(message, 'error');
 */
export function withStatus(message: Message, status: MessageStatus): Message {
  if (status === message.status) return message;
  const changes = checkFields({
    status: () => {
      const next = parseMessageStatus(status);
      if (canFollow(message.status, next)) return next;
      throw new ValidationError(`must not become ${next} after ${message.status}`);
    },
    content: () => parseContentOf(status, message.content),
  });
  return Object.freeze({ ...message, ...changes });
}

/**
 * Takes a text as the content of a message in a status. A message that failed or was stopped may be empty:
 * it can have happened before the first word.
 *
 * @throws ValidationError where it breaks a rule of contents, or is empty and the message complete
 */
export function parseContentOf(status: MessageStatus, content: unknown): MessageContent {
  const parsed = MessageContent.parse(content);
  if (status === 'complete' && parsed === '') {
    throw new ValidationError('must not be empty in a complete message');
  }
  return parsed;
}

/** What may change in a message; what is left out stays. */
export interface MessageChanges {
  /** The whole new content. */
  readonly content?: string;
  /** The new status, which must be able to follow the present one. */
  readonly status?: MessageStatus;
  /** The whole new metadata; null takes it away. */
  readonly metadata?: unknown;
}

/**
 * Changes several things of a message at once.
 *
 * @param message stays as it is
 * @param changes what is to be different
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError where one of the changes is not allowed
 * @example
 * const done = changeMessage(message, { content: text, status: 'complete' });
 */
export function changeMessage(message: Message, changes: MessageChanges): Message {
  const { content = message.content, status = message.status } = changes;
  const changed = withStatus(withContent(message, content), status);
  if (changes.metadata === undefined) return changed;
  return Object.freeze({
    ...changed,
    ...checkFields({ metadata: () => optional(changes.metadata, parseJsonObject) }),
  });
}
