import { createHash } from 'node:crypto';
import { isStorableText } from '../define-text.ts';
import { ThreadId } from '../ids.ts';

/** What an id of the legacy database becomes. */
export interface FoundId {
  /** A UUID in lower case. */
  readonly id: string;
  /** The id as it stood there, where it was no UUID; undefined where it stays. */
  readonly legacyId: string | undefined;
}

/**
 * Finds the id that a legacy id becomes: a UUID stays, in lower case; from anything else one is made that is always the
 * same for the same text at the same place.
 *
 * @param text what stood there
 * @param place what makes an id that is no UUID its own, such as the table
 */
export function findLegacyId(text: string, ...place: readonly string[]): FoundId {
  // Any of the ids: they differ in their brand alone.
  if (ThreadId.is(text.toLowerCase())) return { id: text.toLowerCase(), legacyId: undefined };
  return { id: makeLegacyId(...place, text), legacyId: text };
}

/** Beyond this an index of Postgres does not take it, in UTF-16 code units. */
const maxLength = 500;

/** Whether a text can be told as an id. */
export function isLegacyId(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= maxLength && isStorableText(text);
}

/**
 * Makes a UUID (version 8) of what names a record, always the same of the same.
 *
 * @param names in their order; where one ends and the next begins counts
 * @see RFC 9562, section 5.8
 */
export function makeLegacyId(...names: readonly string[]): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify(['liminal-data legacy', ...names]))
    .digest();
  bytes[6] = 0x80 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString('hex', 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
