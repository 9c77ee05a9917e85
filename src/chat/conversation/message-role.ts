import { oneOf } from '../one-of.ts';

/** Who speaks in a message. */
export type MessageRole = 'user' | 'assistant' | 'system' | 'tool';

/** Takes a value as a role. Throws ValidationError for any other word. */
export const parseMessageRole = oneOf<MessageRole>('MessageRole', ['user', 'assistant', 'system', 'tool']);
