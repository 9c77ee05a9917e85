/** An object that a token holds: without a prototype, so that no name in it means anything else. */
export type JsonMembers = Readonly<Record<string, unknown>>;

const deepest = 16;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const stringsOfJson = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/**
 * Reads a JSON object of which nobody can say two things: each member is there once, also where one name is written
 * with escapes, and the bytes are valid UTF-8. Objects have no prototype.
 *
 * @returns undefined where the bytes are anything else
 */
export function readStrictJson(bytes: Uint8Array): JsonMembers | undefined {
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const counter = { members: 0 };
  const members = copyOf(value, 1, counter) as JsonMembers | undefined;
  if (members === undefined) return undefined;
  // JSON.parse keeps the last of several members of a name: then the text has more of them than the value.
  let written = 0;
  for (const [, colon] of text.matchAll(stringsOfJson)) if (colon !== undefined) written += 1;
  return written === counter.members ? members : undefined;
}

/** @returns undefined where it is too deep */
function copyOf(value: unknown, depth: number, counter: { members: number }): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > deepest) return undefined;
  const isList = Array.isArray(value);
  const copy: Record<string, unknown> = isList ? ([] as never) : (Object.create(null) as never);
  for (const [name, member] of Object.entries(value)) {
    if (!isList) counter.members += 1;
    const inner = copyOf(member, depth + 1, counter);
    if (inner === undefined) return undefined;
    copy[name] = inner;
  }
  return Object.freeze(copy);
}
