import { checkFields, newId, type Entity, type ValueOf } from '../../core/domain/index.ts';
import { defineText } from '../define-text.ts';
import { ThreadId, UserId } from '../ids.ts';
import { parseJsonObject, type JsonObject } from '../json-value.ts';
import { optional } from '../optional.ts';
import { Counter, EpochMillis, laterOf } from '../whole-numbers.ts';
import { ThreadTitle } from './thread-title.ts';

/**
 * How the place that a thread was imported from names it: 1 to 255 characters, trimmed.
 *
 * @example
 * SourceId.parse('old-17');
 */
export const SourceId = defineText({ name: 'SourceId', max: 255 });
export type SourceId = ValueOf<typeof SourceId>;

/** A conversation, without its messages. */
export interface ContextThread extends Entity<ThreadId> {
  /** Whose it is; nobody's where undefined. It goes when its owner goes. */
  readonly ownerId: UserId | undefined;
  /** Set on import, so that a second import finds it; unique. */
  readonly sourceId: SourceId | undefined;
  /** What it is called: 1 to 200 characters; undefined while it has no title. */
  readonly title: ThreadTitle | undefined;
  /** What else is known of it, open-ended by nature, frozen, up to 64 KiB. */
  readonly metadata: JsonObject | undefined;
  /** The place that the next message gets, from 1. An append moves it, and not the version. */
  readonly nextSeq: number;
  /** In ms since the Unix epoch, as all times. */
  readonly createdAt: number;
  /** When it was changed or appended to last. */
  readonly updatedAt: number;
}

/**
 * Makes a new thread without messages; stores nothing.
 *
 * @param fields what is known of it; all may be absent
 * @param context `now` in ms since the Unix epoch; `id` where one is chosen already
 * @returns the thread, at version 1
 * @throws ValidationError with the faults of all fields
 * @example
 * const thread = createThread({ title: 'Lunch' }, { now: clock.now() });
 */
export function createThread(
  fields: {
    readonly ownerId?: UserId | undefined;
    readonly sourceId?: string | undefined;
    readonly title?: string | undefined;
    readonly metadata?: unknown;
  },
  context: { readonly now: number; readonly id?: ThreadId },
): ContextThread {
  const { now, id = newId<ThreadId>() } = context;
  return checkFields({
    id: () => ThreadId.parse(id),
    ownerId: () => optional(fields.ownerId, UserId.parse),
    sourceId: () => optional(fields.sourceId, SourceId.parse),
    title: () => optional(fields.title, ThreadTitle.parse),
    metadata: () => optional(fields.metadata, parseJsonObject),
    nextSeq: () => 1,
    version: () => 1,
    createdAt: () => EpochMillis.parse(now),
    updatedAt: () => EpochMillis.parse(now),
  });
}

/**
 * Gives a thread another title, or none.
 *
 * @param thread stays as it is
 * @param title the new title; undefined takes the title away
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError with the faults of all fields
 * @example
 * await threads.update(retitleThread(thread, 'Dinner', { now: clock.now() }));
 */
export function retitleThread(
  thread: ContextThread,
  title: string | undefined,
  context: { readonly now: number },
): ContextThread {
  const changes = checkFields({
    title: () => optional(title, ThreadTitle.parse),
    updatedAt: () => laterOf(thread.updatedAt, context.now),
  });
  return Object.freeze({ ...thread, ...changes });
}

/**
 * Notes that messages were appended: the next place moves on, and the version stays.
 *
 * @param thread stays as it is
 * @param count how many messages, from 1
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy
 * @throws ValidationError with the faults of all fields
 * @example
 * advanceThread(thread, 2, { now: clock.now() }).nextSeq; // two more than before
 */
export function advanceThread(
  thread: ContextThread,
  count: number,
  context: { readonly now: number },
): ContextThread {
  const changes = checkFields({
    nextSeq: () => Counter.parse(thread.nextSeq + Counter.parse(count)),
    updatedAt: () => laterOf(thread.updatedAt, context.now),
  });
  return Object.freeze({ ...thread, ...changes });
}
