import { oneOf } from '../one-of.ts';

/** Who speaks in a message. */
export type MessageRole = 'user' | 'assistant' | 'system' | 'tool';

/**
 * Takes a value as a role.
 *
 * @param value anything
 * @returns the value as one of the roles
 * @throws ValidationError for any other word
 * @example
 * parseMessageRole('assistant');
 */
export const parseMessageRole = oneOf<MessageRole>('MessageRole', ['user', 'assistant', 'system', 'tool']);
