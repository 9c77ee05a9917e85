import type { Message } from '../conversation/message.ts';
import type { MessageId, ThreadId } from '../ids.ts';
import type { JsonObject } from '../json-value.ts';

/** What a model is asked. */
export interface ModelRequest {
  /** The thread that the answer is for. */
  readonly threadId: ThreadId;
  /** The message that becomes the answer. */
  readonly answerId: MessageId;
  /**
   * What was said before the answer, oldest first, and the question last: messages that are complete, and what had
   * come of those that were interrupted. Answers that others are still writing are not among them.
   */
  readonly messages: readonly Message[];
  /** What the caller of `reply` handed in for the model, such as its name; undefined where nothing was. */
  readonly options: JsonObject | undefined;
  /** Aborted where nobody waits for the answer any more: hand it to `fetch`. */
  readonly signal: AbortSignal;
  /** The same whenever the model is asked for this answer, in every process. */
  readonly idempotencyKey: string;
  /** How often the model was asked for this answer, this time included; from 1. */
  readonly attempt: number;
}

/**
 * Asks a model: an async generator that yields the text piece by piece, or a function that returns such a stream or
 * the whole text. What it throws ends the answer as an error.
 */
export type ReplyModel = (
  request: ModelRequest,
) => AsyncIterable<string> | Promise<AsyncIterable<string> | string> | string;
