import type { Kysely } from 'kysely';
import { newId } from '../../core/domain/index.ts';
import type { Page } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { ThreadId, type MessageId, type UserId } from '../ids.ts';
import type {
  InTransaction,
  LatestMessages,
  PageMessagesOptions,
  PageThreadsOptions,
} from './conversation-options.ts';
import type { ConversationParts } from './conversation-parts.ts';
import { createThread, type ContextThread } from './context-thread.ts';
import { searchEntryOf, type SearchHit } from './message-search.ts';
import { changeMessage, createMessage, type Message, type MessageChanges } from './message.ts';
import type { NewMessage } from './new-message.ts';
import { requireUser } from './require-user.ts';
import {
  importThreads,
  type ImportOptions,
  type ImportReport,
  type ImportedThread,
} from './thread-import.ts';

const defaultLimit = 50;

/**
 * The conversations: threads and their messages, kept in order and searchable. It checks no rights: who may
 * see or change a thread is for the caller to say.
 *
 * Inside of a unit of work each call that writes several rows is a savepoint: where it fails, it alone is undone.
 */
export class ConversationService {
  readonly #parts: ConversationParts;

  /** @param parts what the service works with; `openChatStore` puts them together */
  constructor(parts: ConversationParts) {
    this.#parts = parts;
  }

  /**
   * Starts a thread without messages.
   *
   * @param fields all may be absent
   * @param options `on` is the transaction that it takes part in, which the caller ends
   * @returns the thread, at version 1
   * @throws ValidationError with the faults of all fields
   * @throws ForeignKeyViolationError where there is no such owner
   * @throws UniqueViolationError where the `sourceId` is taken
   * @example
   * const thread = await conversations.startThread({ ownerId: user.id, title: 'Lunch' });
   */
  startThread(
    fields: {
      readonly ownerId?: UserId | undefined;
      readonly sourceId?: string | undefined;
      readonly title?: string | undefined;
      readonly metadata?: unknown;
    } = {},
    options: InTransaction = {},
  ): Promise<ContextThread> {
    const { threads, clock } = this.#parts;
    return threads.insert(createThread(fields, { now: clock.now() }), options);
  }

  /**
   * Appends a message. Any number of calls may append to one thread at once: each gets a place of its own,
   * without gaps.
   *
   * @param threadId the thread; its `updatedAt` moves, its version does not
   * @param message what is known of it
   * @param options `on` is the transaction that it takes part in, which the caller ends
   * @returns the message with its place
   * @throws ValidationError with the faults of all fields
   * @throws NotFoundError where there is no such thread
   * @throws UniqueViolationError where an `id` is given and taken
   * @example
   * const { seq } = await conversations.appendMessage(thread.id, { role: 'user', content: 'Hello.' });
   */
  async appendMessage(
    threadId: ThreadId,
    message: NewMessage,
    options: InTransaction = {},
  ): Promise<Message> {
    const [appended] = await this.appendMessages(threadId, [message], options);
    return appended as Message;
  }

  /**
   * Appends several messages in their order, all or none, without others between them.
   *
   * @param threadId the thread
   * @param messages may be empty; then nothing happens
   * @param options `on` is the transaction that it takes part in, which the caller ends
   * @returns the messages with their places
   * @throws ValidationError with the faults of the first message that has some
   * @throws NotFoundError where there is no such thread
   * @throws UniqueViolationError where an `id` is given and taken
   * @example
   * await conversations.appendMessages(thread.id, [
   *   { role: 'user', content: 'Where is a good café?' },
   *   { role: 'assistant', content: '', status: 'pending' },
   * ]);
   */
  async appendMessages(
    threadId: ThreadId,
    messages: readonly NewMessage[],
    options: InTransaction = {},
  ): Promise<Message[]> {
    const now = this.#parts.clock.now();
    // Made before the thread's row is taken, so that neither a fault nor long contents keep anybody waiting.
    const drafts = messages.map(({ id = newId<MessageId>(), ...message }, index) =>
      createMessage({ ...message, threadId, seq: index + 1 }, { now, id }),
    );
    const entries = drafts.map(searchEntryOf);
    if (drafts.length === 0) return [];
    return this.#within(options, async (on) => {
      const first = await this.#parts.threads.takePlaces(on, threadId, drafts.length, now);
      const placed = drafts.map((draft) => Object.freeze({ ...draft, seq: first - 1 + draft.seq }));
      await this.#parts.messages.insertMany(placed, { on });
      await this.#parts.search.store(on, entries);
      return placed;
    });
  }

  /**
   * Gets a thread with its latest messages.
   *
   * @param threadId the thread
   * @param options `limit` from 0 to 1,000; 50 by default; `on` is the transaction that is read through
   * @returns the thread and its last messages, oldest first
   * @throws NotFoundError where there is no such thread
   * @throws ValidationError where the limit is out of range
   * @throws UnreadableRowError where a stored row breaks the rules of threads or messages
   * @example
   * const { messages, olderCursor } = await conversations.threadWithMessages(thread.id, { limit: 20 });
   */
  async threadWithMessages(
    threadId: ThreadId,
    options: { readonly limit?: number } & InTransaction = {},
  ): Promise<LatestMessages> {
    const { limit = defaultLimit, on } = options;
    const thread = await this.#parts.threads.getById(threadId, { on });
    const page = await this.pageMessages(threadId, { limit, on });
    // Not normalised: a message that somebody deleted must not make its whole thread unreadable.
    return Object.freeze({ thread, messages: page.items.toReversed(), olderCursor: page.nextCursor });
  }

  /**
   * Pages through a thread's messages, from the newest to the oldest; or, with `from` or `to`, through those
   * of a range of times.
   *
   * @param threadId the thread; one that does not exist has no messages
   * @param options the limit, the cursor and the range
   * @returns a page; its cursors serve for the same thread, `from` and `to`
   * @throws ValidationError where the limit, a cursor, a time or the id is not valid
   * @throws UnreadableRowError where a stored row breaks the rules of messages
   * @example
   * const { items, nextCursor } = await conversations.pageMessages(thread.id, { after: olderCursor });
   */
  pageMessages(threadId: ThreadId, options: PageMessagesOptions = {}): Promise<Page<Message>> {
    const { from, to, limit = defaultLimit, after, before, on } = options;
    const inRange = from !== undefined || to !== undefined;
    const created_at = {
      ...(from === undefined ? {} : { gte: from }),
      ...(to === undefined ? {} : { lt: to }),
    };
    const filter = inRange ? { thread_id: threadId, created_at } : { thread_id: threadId };
    // Imported messages carry times of their own, so that only a range of times is ordered by them.
    const orderBy = inRange ? (['created_at desc', 'seq desc'] as const) : (['seq desc'] as const);
    return this.#parts.messages.page(filter, { orderBy, limit, after, before, on });
  }

  /**
   * Pages through threads, the one that was changed or appended to last first.
   *
   * @param options whose threads, the limit and the cursor
   * @returns a page; its cursors serve for the same `userId`
   * @throws ValidationError where the limit or a cursor is not valid, or `userId` is given and is none
   * @throws UnreadableRowError where a stored row breaks the rules of threads
   * @example
   * const { items } = await conversations.pageThreads({ userId: user.id, limit: 20 });
   */
  async pageThreads(options: PageThreadsOptions = {}): Promise<Page<ContextThread>> {
    const { userId, limit = defaultLimit, after, before, on } = options;
    requireUser(options);
    const filter = userId === undefined ? {} : { owner_id: userId };
    return this.#parts.threads.page(filter, {
      orderBy: ['updated_at desc', 'id desc'],
      limit,
      after,
      before,
      on,
    });
  }

  /**
   * Changes a message, and what the search finds of it.
   *
   * @param message as it was read; nobody else may have changed it since
   * @param changes what is to be different
   * @param options `on` is the transaction that it takes part in, which the caller ends
   * @returns the changed message, with the next version
   * @throws ValidationError where a change is not allowed
   * @throws NotFoundError where the message is gone
   * @throws StaleEntityError where somebody else has changed it
   * @example
   * const done = await conversations.updateMessage(message, { content: text, status: 'complete' });
   */
  async updateMessage(
    message: Message,
    changes: MessageChanges,
    options: InTransaction = {},
  ): Promise<Message> {
    const changed = changeMessage(message, changes);
    const entry = searchEntryOf(changed);
    return this.#within(options, async (on) => {
      const updated = await this.#parts.messages.update(changed, { on });
      // Also where the content seems the same: who calls may hold a copy that was changed by hand.
      await this.#parts.search.store(on, [entry]);
      return updated;
    });
  }

  /**
   * Finds messages by words. Case, diacritics and punctuation do not count; every word must be there. The
   * first 256 KiB of a message are searched.
   *
   * @param text anything; where it holds no word, nothing is found
   * @param options `userId` narrows to a user's threads, and left out means everybody's; `limit` from 0 to
   *   1,000, 20 by default; `on` is the transaction that is read through
   * @returns the best hits first, and among equals the latest
   * @throws ValidationError where the limit is out of range, or `userId` is given and is none
   * @throws UnreadableRowError where a found row breaks the rules of messages
   * @example
   * const hits = await conversations.search('good cafe', { userId: user.id });
   */
  async search(
    text: string,
    options: { readonly userId?: UserId; readonly limit?: number } & InTransaction = {},
  ): Promise<SearchHit[]> {
    const { userId, limit = 20, on } = options;
    requireUser(options);
    return this.#parts.search.find(text, { userId, limit, on });
  }

  /**
   * Deletes a thread and its messages, whatever their versions.
   *
   * @param threadId the thread
   * @param options `on` is the transaction that it takes part in, which the caller ends
   * @returns whether there was such a thread
   * @throws ValidationError where the id is no UUID
   */
  async deleteThread(threadId: ThreadId, options: InTransaction = {}): Promise<boolean> {
    return this.#parts.threads.deleteById(ThreadId.parse(threadId), options);
  }

  /**
   * Imports threads with their messages, in transactions of up to 50 threads, 2,000
   * messages or 1 MiB of text. Threads whose `sourceId` is
   * there already are passed over, so that an import can be run again, also after a failure half way.
   *
   * Inside of a unit of work it is a part of that unit: all or nothing, however many threads there are, and every
   * other writer waits for its end. Since a unit may run again, what can be read once, such as a generator, has to
   * be made inside of the work.
   *
   * @param threads in any number; they are read as they are needed
   * @param options `onProgress` is told after each transaction
   * @returns what was imported and what was passed over
   * @throws ValidationError that names the first thread with a fault by its number, from 0, and the message
   *   by its own, or where the threads can be read once and have been; ForeignKeyViolationError where there is no such owner. Threads of earlier transactions stay,
   *   and of the one that failed nothing does
   * @example
   * const { threads, skipped } = await conversations.importThreads([
   *   { sourceId: 'old-17', messages: [{ role: 'user', content: 'Hello.' }] },
   * ]);
   */
  importThreads(
    threads: AsyncIterable<ImportedThread> | Iterable<ImportedThread>,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    return importThreads(this.#parts, threads, options);
  }

  #within<Result>(
    { on }: InTransaction,
    work: (on: Kysely<ChatDatabase>) => Promise<Result>,
  ): Promise<Result> {
    // The root handle is no transaction, whatever its type was made to say.
    return on?.isTransaction === true ? work(on) : this.#parts.provider.transaction(work);
  }
}
