import { isUtf8 } from 'node:buffer';
import { isStorableText } from '../define-text.ts';
import { keptNote, rawOf, type LegacyNote } from './legacy-note.ts';

/**
 * Reads a text of the legacy database.
 *
 * @param bytes what the column holds; null for NULL
 * @param place of the column, for the note
 * @param notes are told where the bytes are no UTF-8: the text has replacement characters then
 */
export function readLegacyText(
  bytes: Uint8Array | null,
  place: string,
  notes: LegacyNote[],
): string | undefined {
  if (bytes === null) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(bytes)) {
    notes.push(keptNote(place, 'text-is-not-utf8', rawOf({ base64: buffer.toString('base64') })));
  }
  return buffer.toString('utf8');
}

/**
 * Takes a line's worth of text: trimmed, without what no engine stores, and cut where it is too long.
 *
 * @param value anything; null, undefined and blank text are no text
 * @param terms `max` in characters; `isSecret` keeps the text out of the notes
 * @param place of the value, for the notes
 */
export function readShortText(
  value: unknown,
  { max, isSecret = false }: { readonly max: number; readonly isSecret?: boolean },
  place: string,
  notes: LegacyNote[],
): string | undefined {
  if (value === null || value === undefined) return undefined;
  const raw = isSecret ? null : rawOf(value);
  if (typeof value !== 'string') {
    notes.push(keptNote(place, 'text-is-no-text', raw));
    return undefined;
  }
  const storable = mendText(value);
  if (storable !== value) notes.push(keptNote(place, 'text-is-unstorable', raw));
  const text = storable.trim();
  const characters = text.length > max ? Array.from(text) : undefined;
  if (characters === undefined || characters.length <= max) return text === '' ? undefined : text;
  notes.push(keptNote(place, 'text-too-long', raw));
  return characters.slice(0, max).join('').trim();
}

/** A text as every engine stores it: NUL and lone surrogates become replacement characters. */
export function mendText(text: string): string {
  return isStorableText(text) ? text : text.toWellFormed().replaceAll('\0', '\uFFFD');
}
