import { ValidationError } from '../core/domain/index.ts';
import { decodeJson, encodeJson } from '../core/index.ts';

/** What JSON can say, frozen all through. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** A JSON object, frozen all through. */
export interface JsonObject {
  readonly [member: string]: JsonValue;
}

const maxBytes = 64 * 1024;
const maxDepth = 100;

/**
 * Takes a value that is open-ended by nature into the domain: a frozen copy, so that whoever handed it in
 * cannot change it afterwards.
 *
 * @param value anything
 * @returns the copy
 * @throws ValidationError where it is no JSON value, takes more than 64 KiB as UTF-8, or nests deeper than
 *   100; the message never repeats it
 */
export function parseJsonValue(value: unknown): JsonValue {
  const text = encodeJson(value);
  if (Buffer.byteLength(text) > maxBytes) throw new ValidationError('must take at most 64 KiB as JSON');
  return freeze(decodeJson(text) as JsonValue, 1);
}

/**
 * As `parseJsonValue`, for what must be an object.
 *
 * @param value anything
 * @returns a frozen copy
 * @throws ValidationError as `parseJsonValue`, and for arrays and plain values
 */
export function parseJsonObject(value: unknown): JsonObject {
  const parsed = parseJsonValue(value);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new ValidationError('must be a JSON object');
  }
  return parsed as JsonObject;
}

function freeze(value: JsonValue, depth: number): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > maxDepth) throw new ValidationError(`must not nest deeper than ${maxDepth}`);
  for (const member of Object.values(value)) freeze(member, depth + 1);
  return Object.freeze(value);
}
