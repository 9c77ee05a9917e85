import {
  NotFoundError,
  StaleEntityError,
  ValidationError,
  currentActor,
  defineSaga,
  runAs,
  type Clock,
  type Issue,
  type Saga,
} from '../../core/index.ts';
import type { ChatUnitOfWork } from '../chat-unit-of-work.ts';
import type { MessageRepository } from '../conversation/message-repository.ts';
import { markInterrupted, type AnswerStore } from './answer-marks.ts';
import { growAnswer, type ReplyListener } from './grow-answer.ts';
import { messagesOf, replyInputSchema, type ReplyInput, type ReplyMessages } from './reply-input.ts';
import type { ReplyModel } from './reply-model.ts';

/** How answers are made. */
export interface ReplySettings {
  /** Asks the model. */
  readonly model: ReplyModel;
  /** How often the model is asked for one answer at most where it fails: from 1 to 1,000; 1 by default. */
  readonly attempts?: number;
  /** How long the model may take for one answer, in ms from 1 to 86,400,000; 300,000 by default; false for no limit. */
  readonly timeout?: number | false;
  /** How many messages before the answer the model is given at most, from 1 to 1,000; 100 by default. */
  readonly historyLimit?: number;
  /** The shortest time between two writes of an answer that grows, in ms from 1 to 60,000; 250 by default. */
  readonly writeInterval?: number;
}

/** What the saga of a reply works on; a `ChatStore` fits. */
export interface ReplyStore extends AnswerStore {
  /** The chat's units of work. */
  readonly unitOfWork: ChatUnitOfWork;
  /** Writes the text of an answer while it grows; `messages` by default. */
  readonly drafts?: MessageRepository;
}

/** What the saga works with beside its store. */
export interface ReplyContext {
  /** Times the writes. */
  readonly clock: Clock;
  /** Finds whoever waits in this process for the reply of a saga. */
  readonly findListener: (sagaId: string) => ReplyListener | undefined;
}

/** What the saga of a reply gives. */
export interface ReplyResults {
  /** The messages that were stored. */
  readonly ask: ReplyMessages;
  /** Nothing: the answer is in its message. */
  readonly answer: void;
}

/**
 * The saga of a reply: `ask` stores the question and a pending answer in one unit of work, and `answer` asks the
 * model, lets the answer grow and completes it. No transaction is open while the model speaks.
 *
 * Whatever crashes, the ids of the two messages follow from the saga's, so that they are stored once; an answer that
 * is complete is left so, and one that is not is begun anew, which asks the model again. Where that fails, the
 * answer is marked, by the step itself or at the latest by the compensation.
 *
 * @param store where threads and messages lie; a `ChatStore` fits
 * @param settings the model, and how it is asked
 * @param context its clock, and who is told of the pieces
 * @returns the saga, for a SagaRunner on the database of the store
 * @throws ValidationError with the faults of the settings
 */
export function replySaga(
  store: ReplyStore,
  settings: ReplySettings,
  { clock, findListener }: ReplyContext,
): Saga<ReplyInput, ReplyResults> {
  const { model, attempts = 1, timeout, historyLimit = 100, writeInterval = 250 } = settings;
  requireSettings({ model, historyLimit, writeInterval });
  const { unitOfWork, conversations, messages, drafts = messages } = store;
  const parts = { unitOfWork, conversations, messages, drafts, clock, model, historyLimit, writeInterval };
  return defineSaga({
    name: 'chat-reply',
    input: replyInputSchema,
    steps: [
      {
        name: 'ask',
        retry: { attempts: 5 },
        run: ({ input, sagaId }) => onBehalf(() => ask(store, input, messagesOf(sagaId))),
        compensate: ({ sagaId }) => onBehalf(() => markInterrupted(store, messagesOf(sagaId).answerId)),
      },
      {
        name: 'answer',
        retry: { attempts, retryable: mayBeAskedAgain },
        ...(timeout === undefined ? {} : { timeout }),
        async run({ input, results, idempotencyKey, signal, attempt, sagaId }) {
          const { answerId } = results.ask;
          const listener = findListener(sagaId);
          const request = { input, answerId, idempotencyKey, signal, attempt, listener };
          await onBehalf(() => growAnswer(parts, request));
        },
      },
    ],
  });
}

/** Whoever asked; the application itself where a reply goes on that another process has left. */
function onBehalf<Result>(work: () => Result): Result {
  return runAs(currentActor() ?? { type: 'system', id: 'chat-reply' }, work);
}

async function ask(
  { unitOfWork }: ReplyStore,
  { threadId, content, metadata }: ReplyInput,
  ids: ReplyMessages,
): Promise<ReplyMessages> {
  const { questionId, answerId } = ids;
  await unitOfWork.run(async ({ conversations, repositories: { messages } }) => {
    // Either is proof that both were stored: they come together, and somebody may have deleted one since.
    if (await messages.exists({ id: { in: [questionId, answerId] } })) return;
    await conversations.appendMessages(threadId, [
      { id: questionId, role: 'user', content, metadata },
      { id: answerId, role: 'assistant', content: '', status: 'pending' },
    ]);
  });
  return ids;
}

/** Neither what somebody else made of the answer nor a fault of the model's code goes away by asking again. */
function mayBeAskedAgain(error: unknown): boolean {
  if (error instanceof StaleEntityError || error instanceof NotFoundError) return false;
  if (typeof error !== 'object' || error === null) return true;
  if ('name' in error && error.name === 'AbortError') return false;
  return !('retryable' in error) || error.retryable !== false;
}

function requireSettings({
  model,
  historyLimit,
  writeInterval,
}: Required<Pick<ReplySettings, 'model' | 'historyLimit' | 'writeInterval'>>): void {
  const issues: Issue[] = [];
  if (typeof model !== 'function') issues.push({ path: ['model'], message: 'must be a function' });
  for (const [name, value, most] of [
    ['historyLimit', historyLimit, 1_000],
    ['writeInterval', writeInterval, 60_000],
  ] as const) {
    if (Number.isInteger(value) && value >= 1 && value <= most) continue;
    issues.push({ path: [name], message: `must be an integer from 1 to ${most}` });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}
