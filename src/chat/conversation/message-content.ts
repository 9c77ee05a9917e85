import { defineValueObject, type ValueOf } from '../../core/domain/index.ts';
import { isStorableText } from '../define-text.ts';

const maxBytes = 1024 * 1024;

/**
 * The text of a message, as it was written: at most 1 MiB as UTF-8. Whether it may be empty depends on
 * the message's status.
 *
 * @example
 * MessageContent.parse('Where is a good café?');
 */
export const MessageContent = defineValueObject({
  name: 'MessageContent',
  normalize: (input) => (typeof input === 'string' ? input : undefined),
  rules: [
    [(text) => Buffer.byteLength(text) <= maxBytes, 'must take at most 1 MiB as UTF-8'],
    [isStorableText, 'must be well-formed Unicode without NUL'],
  ],
});
export type MessageContent = ValueOf<typeof MessageContent>;
