import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { isStorableText } from './storable-text.ts';

/**
 * JSON columns are text in rows, on every engine. What is encoded here reads back equal from each of them;
 * what would not is refused before it is sent.
 */

// SQLite refuses JSON that nests deeper than 1,000 (JSON_MAX_DEPTH); Postgres gives up somewhat later.
const maxDepth = 1000;

/**
 * Encodes a value for a JSON column.
 *
 * @param value null, booleans, finite numbers, strings, arrays and plain objects, nested at most 1,000 deep
 * @param column the column that it is for, so that faults name it
 * @returns the JSON text
 * @throws ValidationError with every fault and its path: undefined (a member that is absent must be left
 *   out), functions, symbols, bigints, NaN and infinities, dates, maps and other instances, text with NUL or
 *   lone surrogates, circles. It never repeats the value
 * @example
 * encodeJson({ model: 'm-1', usage: { totalTokens: 12 } }, 'metadata');
 */
export function encodeJson(value: unknown, column?: string): string {
  const issues: Issue[] = [];
  collectFaults(value, column === undefined ? [] : [column], new Set(), issues);
  if (issues.length > 0) throw new ValidationError(issues);
  return JSON.stringify(value);
}

/**
 * Decodes the text of a JSON column.
 *
 * @param text what the row holds
 * @returns the value; its shape is for the caller to check
 * @throws ValidationError where the text is no JSON, or no text at all; it never quotes the text
 */
export function decodeJson(text: unknown): unknown {
  if (typeof text !== 'string') throw new ValidationError('is not the text of a JSON value');
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own error quotes the text, so that it is not kept as the cause.
    throw new ValidationError('is not valid JSON');
  }
}

/**
 * The one form of a JSON text, which every engine keeps alike: engines differ in what they do with members
 * that stand twice, with escapes of NUL and of lone surrogates, and with numbers that are none.
 *
 * @returns the text; undefined where it is no JSON, or holds what not every engine keeps
 */
export function normalizeJson(text: unknown): string | undefined {
  try {
    return encodeJson(decodeJson(text));
  } catch (error) {
    if (error instanceof ValidationError) return undefined;
    throw error;
  }
}

type Path = readonly (string | number)[];

function collectFaults(value: unknown, path: Path, parents: Set<object>, issues: Issue[]): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'string') {
    if (!isStorableText(value))
      issues.push({ path, message: 'must be text without NUL and lone surrogates' });
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) issues.push({ path, message: 'must be a finite number' });
  } else if (typeof value !== 'object') {
    issues.push({ path, message: `must be a JSON value, not ${typeof value}` });
  } else if (parents.has(value)) {
    issues.push({ path, message: 'must not contain itself' });
  } else if (parents.size >= maxDepth) {
    issues.push({ path: path.slice(0, 3), message: `must not nest deeper than ${maxDepth}` });
  } else {
    parents.add(value);
    collectFaultsOfMembers(value, path, parents, issues);
    parents.delete(value);
  }
}

function collectFaultsOfMembers(value: object, path: Path, parents: Set<object>, issues: Issue[]): void {
  if (Array.isArray(value)) {
    // By index, since `forEach` skips the holes that JSON would fill with null.
    for (let index = 0; index < value.length; index += 1) {
      collectFaults(value[index], [...path, index], parents, issues);
    }
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    issues.push({ path, message: 'must be a plain object or an array, not an instance of a class' });
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (!isStorableText(name)) {
      issues.push({ path, message: 'must have member names without NUL and lone surrogates' });
    } else {
      collectFaults(member, [...path, name], parents, issues);
    }
  }
}
