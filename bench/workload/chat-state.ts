import type { MessageFilter, MessageRow, PagePlace, ThreadRow } from '../contender.ts';
import {
  fullScale,
  longThreadId,
  makeMessage,
  makeThread,
  messageId,
  messagesPerThread,
  threadId,
  userId,
  type ChatScale,
} from './chat-data.ts';
import { makeRandom } from './random.ts';

/**
 * What one client of one database asks next. It remembers what it wrote, so that ids are new and versions
 * are those that are stored. The same seed asks the same.
 */
export class ChatState {
  readonly #scale: ChatScale;
  readonly #random: (below: number) => number;
  readonly #changed = new Map<number, ThreadRow>();
  #messages: number;
  #threads = 0;

  constructor(scale: ChatScale = fullScale, seed = 1) {
    this.#scale = scale;
    this.#random = makeRandom(seed);
    this.#messages = scale.threads * messagesPerThread;
  }

  /** The id of a message that is stored. */
  drawMessageId(): string {
    return messageId(this.#random(this.#scale.threads * messagesPerThread));
  }

  /** The id of a thread with more than 50 messages. */
  drawThreadId(): string {
    return longThreadId(this.#random(this.#scale.threads / 5));
  }

  /** A place in a user's threads with some before and some behind it. */
  drawPlace(): PagePlace {
    const { users, threads } = this.#scale;
    const user = this.#random(users);
    const perUser = threads / users;
    const number = user + users * Math.floor(perUser / 2 + this.#random(perUser / 2));
    return {
      ownerId: userId(user),
      updatedAt: makeThread(number, this.#scale).updated_at,
      id: threadId(number),
    };
  }

  /** One of four shapes; each means more than 20 messages of a long thread. */
  drawFilter(): MessageFilter {
    const thread = { threadId: this.drawThreadId() };
    const since = makeMessage(0, '', 0).created_at;
    switch (this.#random(4)) {
      case 0:
        return { ...thread, role: 'assistant' };
      case 1:
        return { ...thread, since };
      case 2:
        return { ...thread, role: 'user', since };
      default:
        return { ...thread, since, statuses: ['complete', 'interrupted'] };
    }
  }

  /** A message that is not stored yet. */
  makeMessage(thread: string = threadId(this.#messages % this.#scale.threads)): MessageRow {
    const number = this.#messages;
    this.#messages += 1;
    return makeMessage(number, thread, 1_000 + number);
  }

  /**
   * Changes a thread. All its neighbours are changed before it comes again, so that callers who come at the
   * same time have different ones.
   *
   * @param change what becomes of the thread as it is stored at this moment
   * @returns the thread with the change, at the version that is stored; the next one counts on its success
   */
  changeThread(change: (stored: ThreadRow) => Partial<ThreadRow>): ThreadRow {
    const number = this.#threads % this.#scale.threads;
    this.#threads += 1;
    const stored = this.#changed.get(number) ?? makeThread(number, this.#scale);
    const changed = { ...stored, ...change(stored) };
    this.#changed.set(number, { ...changed, version: stored.version + 1 });
    return changed;
  }

  /** True in one of `among` calls. */
  isOneOf(among: number): boolean {
    return this.#random(among) === 0;
  }
}
