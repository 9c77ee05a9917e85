import { ValidationError } from '../../core/domain/index.ts';
import type { ContextThread } from './context-thread.ts';
import type { Message } from './message.ts';

/** A thread and a stretch of its messages: the latest ones, or all. */
export interface ThreadWithMessages {
  /** The thread, without its messages. */
  readonly thread: ContextThread;
  /** Oldest first. */
  readonly messages: readonly Message[];
}

/**
 * Puts a stretch of messages to their thread, in order of `seq`, in whatever order they come.
 *
 * @param thread the thread
 * @param messages a stretch without gaps; it may begin anywhere
 * @returns a frozen pair
 * @throws ValidationError where a message is of another thread, or two follow each other whose `seq` do not
 * @example
 * const { messages } = normalizeThread(thread, found); // by seq
 */
export function normalizeThread(thread: ContextThread, messages: readonly Message[]): ThreadWithMessages {
  const ordered = messages.toSorted((one, other) => one.seq - other.seq);
  for (const [index, message] of ordered.entries()) {
    if (message.threadId !== thread.id) throw fault(index, 'threadId', 'must be the id of the thread');
    const previous = ordered[index - 1];
    if (previous !== undefined && message.seq !== previous.seq + 1) {
      throw fault(index, 'seq', `must be ${previous.seq + 1}, after ${previous.seq}`);
    }
  }
  return Object.freeze({ thread, messages: Object.freeze(ordered) });
}

function fault(index: number, field: string, message: string): ValidationError {
  return new ValidationError([{ path: ['messages', index, field], message }]);
}
