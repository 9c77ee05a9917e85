import {
  SagaFailedError,
  SagaRunner,
  type Clock,
  type DatabaseProvider,
  type Logger,
  type Saga,
} from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { Message } from '../conversation/message.ts';
import type { MessageId, ThreadId } from '../ids.ts';
import type { ReplyListener } from './grow-answer.ts';
import type { ReplyInput } from './reply-input.ts';
import { replyIdOf } from './reply-id.ts';
import { replySaga, type ReplyResults, type ReplySettings, type ReplyStore } from './reply-saga.ts';

/** How replies are made, and how long a process that is gone is waited for. */
export interface ReplyOptions extends ReplySettings {
  /**
   * How long a process may be silent until another one takes its replies over, in ms; 15,000 by default. See
   * `SagaRunner`.
   */
  readonly leaseDuration?: number;
}

/** What replies are made of. */
export interface ReplyParts extends ReplyStore {
  /** The database of the chat, which holds the journal of the sagas as well. */
  readonly provider: DatabaseProvider<ChatDatabase>;
  /** Times the writes and the leases. */
  readonly clock: Clock;
  /** Where failures are told that nobody awaits. */
  readonly logger: Logger;
}

/** A question to the model. */
export type Question = Omit<ReplyInput, 'threadId'>;

/** What has come of an answer. */
export interface ReplyProgress {
  /** The message that becomes the answer. */
  readonly answerId: MessageId;
  /** What came just now. */
  readonly chunk: string;
  /** The whole text so far. It begins anew where the model is asked again. */
  readonly text: string;
}

/** How one reply is waited for. */
export interface ReplyCallOptions {
  /** Stops the reply: its answer keeps what has come, and is `interrupted`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Is told of each piece as it comes. It is not called where another call, or another process, does the work; the
   * message grows in the store there. What it throws is logged.
   */
  readonly onProgress?: ((progress: ReplyProgress) => unknown) | undefined;
  /** Calls with one key are one reply, however many there are: 1 to 255 characters. */
  readonly idempotencyKey?: string | undefined;
}

/**
 * Asks a model in a thread, and lets its answer grow there. Each reply is a saga: where this process dies, another
 * one that has opened its replies goes on with it, or this one when it is started again. While it is open it looks
 * for such replies.
 */
export class ReplyService implements AsyncDisposable {
  readonly #parts: ReplyParts;
  readonly #listeners = new Map<string, Listening>();
  readonly #saga: Saga<ReplyInput, ReplyResults>;
  readonly #runner: SagaRunner;

  /**
   * Use `store.replies(options)`.
   *
   * @param parts what replies are made of
   * @param options the model, and how it is asked
   * @throws ValidationError with the faults of the options
   */
  constructor(parts: ReplyParts, { leaseDuration, ...settings }: ReplyOptions) {
    const { provider, clock, logger } = parts;
    this.#parts = parts;
    this.#saga = replySaga(parts, settings, {
      clock,
      findListener: (sagaId) => {
        const listening = this.#listeners.get(sagaId);
        if (listening !== undefined) listening.isAtWork = true;
        return listening?.listener;
      },
    });
    this.#runner = new SagaRunner(provider, {
      sagas: [this.#saga],
      clock,
      logger,
      ...(leaseDuration === undefined ? {} : { leaseDuration }),
    });
    this.#runner.start();
  }

  /**
   * Stores a question and asks the model for its answer. The two messages stand side by side in the thread, also
   * where many ask at once.
   *
   * Whoever edits or deletes the answer while it grows ends the reply: nothing of theirs is overwritten, and an
   * answer that they left unfinished is `interrupted`. Marking it as `interrupted` stops a reply from anywhere.
   *
   * @param threadId the thread
   * @param question the question, and what the model is told beside it
   * @param options who hears of the pieces, and what stops the reply
   * @returns the answer, complete
   * @throws ValidationError with the faults of the question; nothing is stored then
   * @throws SagaFailedError where no complete answer came; its `cause` is why: what the model threw (the answer is
   *   then marked as `error`), SagaStepTimeoutError, NotFoundError where there is no such thread or the answer was
   *   deleted, StaleEntityError where somebody changed it
   * @throws the signal's reason where it fired first; the answer is `interrupted`
   * @throws SagaInterruptedError where the service was closed meanwhile, and LeaseLostError where this process was
   *   held up for too long; somebody else goes on with the reply
   * @throws IdempotencyMismatchError where the key belongs to another question
   * @example
   * const answer = await replies.reply(
   *   thread.id,
   *   { content: 'Where is a good café?' },
   *   { onProgress: ({ chunk }) => response.write(chunk), signal },
   * );
   */
  async reply(
    threadId: ThreadId,
    question: Question,
    { signal, onProgress, idempotencyKey }: ReplyCallOptions = {},
  ): Promise<Message> {
    signal?.throwIfAborted();
    const id = await replyIdOf(idempotencyKey);
    const listener = { signal, tell: this.#teller(id, onProgress) };
    // Of several calls with one key the first one does the work.
    const isFirst = !this.#listeners.has(id);
    if (isFirst) this.#listeners.set(id, { listener, isAtWork: false });
    const request = { id, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
    const work = this.#runner.run(this.#saga, { ...question, threadId }, request).finally(() => {
      if (isFirst) this.#listeners.delete(id);
    });
    const isElsewhere = () => !isFirst || this.#listeners.get(id)?.isAtWork !== true;
    try {
      const { ask } = await leaveWhere(isElsewhere, signal, work);
      return await this.#parts.messages.getById(ask.answerId);
    } catch (error) {
      if (error instanceof SagaFailedError && signal?.aborted === true) throw signal.reason as Error;
      throw error;
    }
  }

  /**
   * Ends the work on replies in this process; other processes may go on with them at once. The store's `close` calls
   * it as well.
   *
   * @param options `deadline` in ms for what is under way, an integer from 0 to 86,400,000; 10,000 by default
   * @throws ValidationError where the deadline is none; nothing is closed then
   */
  close(options: { readonly deadline?: number } = {}): Promise<void> {
    return this.#runner.close(options);
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #teller(answerId: MessageId, onProgress: ReplyCallOptions['onProgress']): ReplyListener['tell'] {
    if (onProgress === undefined) return () => undefined;
    // One that rejects later must not end the process, and one that throws must not end the reply.
    const tell = async (chunk: string, text: string): Promise<void> => {
      await onProgress({ answerId, chunk, text });
    };
    return (chunk, text) => {
      tell(chunk, text).catch((error: unknown) => {
        this.#parts.logger.error({ error, answerId }, 'onProgress of a reply has thrown');
      });
    };
  }
}

/** Whoever waits for a reply, and whether the model is asked here. */
interface Listening {
  readonly listener: ReplyListener;
  isAtWork: boolean;
}

/** Waits for work; where a signal fires while it is done elsewhere, the wait alone ends. */
async function leaveWhere<Result>(
  isElsewhere: () => boolean,
  signal: AbortSignal | undefined,
  work: Promise<Result>,
): Promise<Result> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = () => {
    if (isElsewhere()) reject(signal.reason as Error);
  };
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([promise, work]);
  } finally {
    signal.removeEventListener('abort', leave);
    // Left behind, it may still fail, and nobody hears of it.
    work.catch(() => undefined);
  }
}
