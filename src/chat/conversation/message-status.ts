import { oneOf } from '../one-of.ts';

/**
 * How far a message has come: `pending` is asked for and has not begun, `streaming` grows, `complete` is
 * all there, `error` failed, `interrupted` was stopped on purpose.
 */
export type MessageStatus = 'pending' | 'streaming' | 'complete' | 'error' | 'interrupted';

/**
 * Takes a value as a status.
 *
 * @param value anything
 * @returns the value as one of the statuses
 * @throws ValidationError for any other word
 * @example
 * parseMessageStatus('streaming');
 */
export const parseMessageStatus = oneOf<MessageStatus>('MessageStatus', [
  'pending',
  'streaming',
  'complete',
  'error',
  'interrupted',
]);

// A message that failed or was stopped can be tried again; a complete one is done.
const followers: Readonly<Record<MessageStatus, readonly MessageStatus[]>> = {
  pending: ['streaming', 'complete', 'error', 'interrupted'],
  streaming: ['complete', 'error', 'interrupted'],
  complete: [],
  error: ['pending'],
  interrupted: ['pending'],
};

/**
 * Tells which status may follow which. A status never follows itself.
 *
 * @param from the status that a message has
 * @param to the status that it shall get
 * @returns whether the step is allowed; it never throws
 * @example
 * canFollow('streaming', 'complete'); // true
 */
export function canFollow(from: MessageStatus, to: MessageStatus): boolean {
  return followers[from].includes(to);
}
