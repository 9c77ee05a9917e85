import type { ContextThreadsTable, MessagesTable } from '../src/chat/chat-database.ts';

/** A row of `messages`, as every contender returns it. */
export type MessageRow = MessagesTable;

/** A row of `context_threads`. */
export type ThreadRow = ContextThreadsTable;

/** A thread, and its latest messages, the latest first. */
export interface ThreadWithMessages {
  readonly thread: ThreadRow | undefined;
  readonly messages: readonly MessageRow[];
}

/** A place in the list of a user's threads. */
export interface PagePlace {
  readonly ownerId: string;
  readonly updatedAt: number;
  readonly id: string;
}

/** What is asked of a thread's messages. What is left out is not part of the statement. */
export interface MessageFilter {
  readonly threadId: string;
  readonly role?: string;
  readonly since?: number;
  readonly statuses?: readonly [string, string];
}

/**
 * One way to do the work of a chat application. All methods of all contenders answer the same, which is
 * checked before anything is timed.
 */
export interface Contender {
  /** One row by its key. */
  findMessage(id: string): Promise<MessageRow | undefined>;
  /** A thread and its latest 50 messages: two statements. */
  readThread(id: string): Promise<ThreadWithMessages>;
  /** The 20 threads of a user that were updated before a place, the latest first. */
  pageThreads(after: PagePlace): Promise<readonly ThreadRow[]>;
  /** The latest 20 messages that a filter means. */
  filterMessages(filter: MessageFilter): Promise<readonly MessageRow[]>;
  insertMessage(message: MessageRow): Promise<void>;
  /** Stores all of them, or none. */
  insertMessages(messages: readonly MessageRow[]): Promise<void>;
  /**
   * Stores a title at the next version.
   *
   * @param thread as it was read, with the new title
   * @throws where the row has another version
   */
  renameThread(thread: ThreadRow): Promise<void>;
  /**
   * Stores a message and moves its thread on, in one interactive transaction.
   *
   * @param thread as it was read, with the new `next_seq` and `updated_at`
   * @throws where the thread has another version; nothing is stored then
   */
  appendMessage(message: MessageRow, thread: ThreadRow): Promise<void>;
  /** The same two statements, declared as a whole; absent where there is no such thing. */
  appendMessageAsBatch?(message: MessageRow, thread: ThreadRow): Promise<void>;
  /** The same two statements as a serializable unit of work that would run again; absent where there is none. */
  appendMessageAsUnit?(message: MessageRow, thread: ThreadRow): Promise<void>;
  close(): Promise<void>;
}

/** Where a contender finds its database, and how safely it writes. */
export type ContenderOptions = SqliteOptions | PostgresOptions;

export interface SqliteOptions {
  readonly engine: 'sqlite';
  readonly filename: string;
  /** `PRAGMA synchronous` of all contenders alike. */
  readonly durability: 'full' | 'normal';
}

export interface PostgresOptions {
  readonly engine: 'postgres';
  readonly url: string;
}

/** How many connections each contender may have. */
export const poolSize = 10;

/** @throws where a statement with a version did not find it */
export function requireOneRow(count: number | bigint | null | undefined): void {
  if (Number(count) !== 1) throw new Error('The row has another version.');
}
