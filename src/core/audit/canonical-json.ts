import { encodeJson } from '../query/json-text.ts';

/**
 * The one JSON text of a value: no space, and the members of each object in the order of their names by UTF-16 units,
 * as RFC 8785 says it.
 *
 * @param value as for `encodeJson`
 * @param path where it stands, for faults
 * @returns the text
 * @throws ValidationError with every fault, as `encodeJson`
 */
export function canonicalJson(value: unknown, path?: string): string {
  // What `encodeJson` has passed holds no circle and nothing that JSON would leave out.
  const text = encodeJson(value, path);
  return typeof value === 'object' ? write(value) : text;
}

function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as unknown[]).map(write).join(',')}]`;
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${write((value as Record<string, unknown>)[name])}`);
  return `{${members.join(',')}}`;
}
