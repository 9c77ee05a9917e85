import { defineValueObject, type ValueOf } from '../../core/domain/index.ts';
import { isStorableText } from '../define-text.ts';

// Each character class excludes the character that ends it, so that matching takes linear time.
const shape = /^[^\s@"(),:;<>[\\\]]+@(?:[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*\.)+[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*$/u;

/**
 * An e-mail address: trimmed, in lower case, at most 254 characters, and of a shape that can receive mail
 * over the internet. Whether it does is for a mail to find out.
 *
 * @see RFC 5321, section 4.5.3.1.3: a path of 256 octets includes its angle brackets
 * @example
 * EmailAddress.parse(' Ada@Example.org '); // 'ada@example.org'
 */
export const EmailAddress = defineValueObject({
  name: 'EmailAddress',
  normalize: (input) => (typeof input === 'string' ? normalize(input) : undefined),
  rules: [
    [(text) => Buffer.byteLength(text) <= 254, 'must have at most 254 characters'],
    [(text) => shape.test(text), 'must look like name@example.com'],
    [isStorableText, 'must be well-formed Unicode without NUL'],
  ],
});
export type EmailAddress = ValueOf<typeof EmailAddress>;

// One address has one form: "é" typed on one keyboard equals "é" typed on another.
function normalize(text: string): string {
  return text.trim().normalize('NFC').toLowerCase().normalize('NFC');
}
