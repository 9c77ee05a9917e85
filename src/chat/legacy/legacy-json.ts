import { leftOutNote, rawOf, type LegacyNote } from './legacy-note.ts';

type Members = Readonly<Record<string, unknown>>;

/** Whether a value of JSON is an object. */
export function isJsonObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the text of a column that holds a JSON object.
 *
 * @param text of the column; where there is none, there is nothing
 * @param terms `isSecret` keeps the text out of the notes
 * @param place of the column
 * @param notes are told where it is none
 * @returns its members; none where it could not be read
 */
export function readJsonMembers(
  text: string | undefined,
  { isSecret }: { readonly isSecret: boolean },
  place: string,
  notes: LegacyNote[],
): readonly (readonly [string, unknown])[] {
  if (text === undefined || text.trim() === '') return [];
  const value = parseJson(text);
  if (value === null) return [];
  if (isJsonObject(value) && isShallow(value)) return Object.entries(value);
  const reason = value === undefined || isJsonObject(value) ? 'json-is-unreadable' : 'json-is-no-object';
  notes.push(leftOutNote(place, reason, isSecret ? null : rawOf(text)));
  return [];
}

/** Parses a text. @returns undefined, which no JSON is, where it is none */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a value nests no deeper than JSON columns take: what is deeper could not even be quoted in a note. */
export function isShallow(value: object): boolean {
  let level: readonly unknown[] = Object.values(value);
  for (let depth = 0; depth < 1_000; depth += 1) {
    level = level.flatMap((member) =>
      typeof member === 'object' && member !== null ? Object.values(member) : [],
    );
    if (level.length === 0) return true;
  }
  return false;
}
