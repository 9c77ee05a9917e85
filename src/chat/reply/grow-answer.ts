import { SagaStepTimeoutError, type Clock } from '../../core/index.ts';
import type { ChatUnitOfWork } from '../chat-unit-of-work.ts';
import type { MessageRepository } from '../conversation/message-repository.ts';
import type { Message } from '../conversation/message.ts';
import { answerStopped, beginAnswer, type AnswerStore } from './answer-marks.ts';
import { readChunks } from './read-chunks.ts';
import { ReplyDraft } from './reply-draft.ts';
import type { ReplyInput } from './reply-input.ts';
import type { ModelRequest, ReplyModel } from './reply-model.ts';

/** What answers are made with. */
export interface AnswerParts extends AnswerStore {
  readonly unitOfWork: ChatUnitOfWork;
  /** Writes the text of an answer while it grows. */
  readonly drafts: MessageRepository;
  readonly clock: Clock;
  readonly model: ReplyModel;
  readonly historyLimit: number;
  readonly writeInterval: number;
}

/** Whoever waits in this process for a reply. */
export interface ReplyListener {
  /** Stops the reply. */
  readonly signal?: AbortSignal | undefined;
  /** Is told each piece, and the whole text so far. It must not throw. */
  readonly tell: (chunk: string, text: string) => void;
}

/** One attempt at an answer. */
export interface AnswerAttempt extends Pick<ModelRequest, 'answerId' | 'idempotencyKey' | 'attempt'> {
  readonly input: ReplyInput;
  /** Aborted at the end of the attempt's time, and where another process may go on with it. */
  readonly signal: AbortSignal;
  readonly listener: ReplyListener | undefined;
}

/**
 * Asks the model and lets the answer grow until it is complete. One that is complete already is left so. Where it
 * fails, the answer keeps what had come, marked as `error`, or as `interrupted` where its listener stopped it.
 *
 * @throws what the model throws, and StaleEntityError or NotFoundError where somebody else changed the answer
 */
export async function growAnswer(parts: AnswerParts, attempt: AnswerAttempt): Promise<void> {
  const { input, answerId, listener, signal, ...told } = attempt;
  if (listener?.signal?.aborted === true) throw answerStopped();
  const answer = await beginAnswer(parts, answerId);
  if (answer === undefined) return;
  const taken = new AbortController();
  const draft = new ReplyDraft(parts, answer, (error) => taken.abort(error));
  const { threadId, options } = input;
  try {
    const messages = await findHistory(parts, answer);
    const ends = AbortSignal.any([signal, taken.signal, ...(listener?.signal ? [listener.signal] : [])]);
    const request = { ...told, threadId, answerId, messages, options, signal: ends };
    await readChunks(parts.model, request, (chunk) => {
      const text = draft.add(chunk);
      listener?.tell(chunk, text);
    });
    await draft.end('complete');
  } catch (error) {
    throw await endFailed(draft, attempt, error);
  }
}

async function endFailed(
  draft: ReplyDraft,
  { signal, listener }: AnswerAttempt,
  error: unknown,
): Promise<unknown> {
  const isStopped = listener?.signal?.aborted === true;
  if (!isStopped && signal.aborted && !(signal.reason instanceof SagaStepTimeoutError)) {
    // Somebody else goes on with it: whatever is written now would only be in their way.
    draft.drop();
    return error;
  }
  try {
    await draft.end(isStopped ? 'interrupted' : 'error');
  } catch {
    // What failed first counts. The compensation marks what could not be marked here.
  }
  return isStopped ? answerStopped() : error;
}

/** What the model is to know, oldest first. */
async function findHistory(
  { messages, historyLimit }: AnswerParts,
  { threadId, seq }: Message,
): Promise<readonly Message[]> {
  const latest = await messages.findMany(
    { thread_id: threadId, seq: { lt: seq }, status: { in: ['complete', 'interrupted'] } },
    { orderBy: 'seq desc', limit: historyLimit },
  );
  return latest.toReversed().filter(({ content }) => content !== '');
}
