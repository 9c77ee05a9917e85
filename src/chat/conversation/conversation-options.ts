import type { Kysely, Transaction } from 'kysely';
import type { Cursor } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { UserId } from '../ids.ts';
import type { ThreadWithMessages } from './thread-with-messages.ts';

/** Which messages of a thread are asked for. */
export interface PageMessagesOptions {
  /** From 0 to 1,000; 50 by default. */
  readonly limit?: number;
  /** `nextCursor` of a page, for what is older. */
  readonly after?: Cursor | undefined;
  /** `previousCursor` of a page, for what is newer. */
  readonly before?: Cursor | undefined;
  /** The earliest time, in ms since the Unix epoch, itself included. */
  readonly from?: number | undefined;
  /** The time, in ms since the Unix epoch, before which the messages lie. */
  readonly to?: number | undefined;
  /** The transaction or handle that is read through; the provider's own where it is left out. */
  readonly on?: Kysely<ChatDatabase> | undefined;
}

/** Which threads are asked for. */
export interface PageThreadsOptions {
  /** Whose; everybody's where it is left out. A present undefined is a ValidationError. */
  readonly userId?: UserId;
  /** From 0 to 1,000; 50 by default. */
  readonly limit?: number;
  /** `nextCursor` of a page, for threads that were changed before. */
  readonly after?: Cursor | undefined;
  /** `previousCursor` of a page, for threads that were changed since. */
  readonly before?: Cursor | undefined;
  /** The transaction or handle that is read through; the provider's own where it is left out. */
  readonly on?: Kysely<ChatDatabase> | undefined;
}

/** A thread with its latest messages. */
export interface LatestMessages extends ThreadWithMessages {
  /** Hand it to `pageMessages` as `after` for what is older; undefined where nothing is. */
  readonly olderCursor: Cursor | undefined;
}

/** In which transaction a call takes part. */
export interface InTransaction {
  /** A transaction, which the caller ends; without one the call makes its own. */
  readonly on?: Transaction<ChatDatabase> | undefined;
}
