import { checkFields, ValidationError, type StandardSchema } from '../../core/domain/index.ts';
import { parseContentOf } from '../conversation/message.ts';
import { MessageId, ThreadId } from '../ids.ts';
import { parseJsonObject, type JsonObject } from '../json-value.ts';
import { optional } from '../optional.ts';

/** What a reply is asked for, as the journal keeps it. */
export interface ReplyInput {
  /** The thread that is asked in. */
  readonly threadId: ThreadId;
  /** The question: at most 1 MiB as UTF-8, not empty. */
  readonly content: string;
  /** What else is known of the question: a JSON object of at most 64 KiB. */
  readonly metadata?: JsonObject | undefined;
  /** What the model is told beside the messages, such as its name: a JSON object of at most 64 KiB. */
  readonly options?: JsonObject | undefined;
}

/** The rules of the input, for `defineSaga`. */
export const replyInputSchema: StandardSchema<ReplyInput, ReplyInput> = {
  '~standard': {
    version: 1,
    vendor: 'liminal-data',
    validate: (value) => {
      try {
        return { value: parseReplyInput((value ?? {}) as ReplyInput) };
      } catch (error) {
        if (error instanceof ValidationError) return { issues: error.issues };
        throw error;
      }
    },
  },
};

function parseReplyInput({ threadId, content, metadata, options }: ReplyInput): ReplyInput {
  return checkFields({
    threadId: () => ThreadId.parse(threadId),
    content: () => parseContentOf('complete', content),
    metadata: () => optional(metadata, parseJsonObject),
    options: () => optional(options, parseJsonObject),
  });
}

/** The messages of a reply. */
export interface ReplyMessages {
  /** What was asked. */
  readonly questionId: MessageId;
  /** What the model says to it. */
  readonly answerId: MessageId;
}

/**
 * The ids of a reply's messages, the same in every process that works on it: the answer has that of its saga, and
 * the question has one that differs in its last bit.
 */
export function messagesOf(sagaId: string): ReplyMessages {
  const last = Number.parseInt(sagaId.slice(-1), 16) ^ 1;
  return {
    questionId: MessageId.parse(sagaId.slice(0, -1) + last.toString(16)),
    answerId: MessageId.parse(sagaId),
  };
}
