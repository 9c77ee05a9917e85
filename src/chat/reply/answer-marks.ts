import { StaleEntityError } from '../../core/index.ts';
import type { ConversationService } from '../conversation/conversation-service.ts';
import type { MessageRepository } from '../conversation/message-repository.ts';
import { changeMessage, withStatus, type Message } from '../conversation/message.ts';
import type { MessageId } from '../ids.ts';

/** Who reads and changes messages. */
export interface AnswerStore {
  /** Threads with their messages. */
  readonly conversations: ConversationService;
  /** Finds and changes messages. */
  readonly messages: MessageRepository;
}

const maxAttempts = 5;

/**
 * Marks an answer as streaming, without a text: what came before is begun anew. Whoever wrote to it until now, such
 * as a process that was paused, finds another version and stops.
 *
 * @returns the answer; undefined where it is complete already
 * @throws NotFoundError where somebody has deleted it
 * @throws DOMException `AbortError` where somebody has stopped it
 */
export async function beginAnswer({ messages }: AnswerStore, id: MessageId): Promise<Message | undefined> {
  return retryStale(async () => {
    const found = await messages.getById(id);
    if (found.status === 'complete') return undefined;
    if (found.status === 'interrupted') throw answerStopped();
    const open = found.status === 'error' ? withStatus(found, 'pending') : found;
    return messages.update(changeMessage(open, { content: '', status: 'streaming' }));
  });
}

/** Marks an answer that nobody has ended as interrupted, with the text that it has. One that is gone is no fault. */
export async function markInterrupted(
  { messages, conversations }: AnswerStore,
  id: MessageId,
): Promise<void> {
  await retryStale(async () => {
    const found = await messages.findById(id);
    if (found?.status !== 'pending' && found?.status !== 'streaming') return;
    await conversations.updateMessage(found, { status: 'interrupted' });
  });
}

/** What the step of a stopped answer throws. */
export function answerStopped(): DOMException {
  return new DOMException('The reply was stopped, and its answer is marked as interrupted.', 'AbortError');
}

/** A process that was paused in the middle of a write may still get it in; the next look sees it. */
async function retryStale<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StaleEntityError) || attempt === maxAttempts) throw error;
    }
  }
}
