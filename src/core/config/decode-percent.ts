import { ValidationError } from '../foundation/errors/validation-error.ts';

/**
 * Decodes a part of a URL.
 *
 * @throws ValidationError where a % begins no encoded byte, or the bytes are not UTF-8; it does not repeat the text
 */
export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ValidationError(
      'holds a % that begins no percent-encoded character; write %25 for the sign itself',
    );
  }
}
