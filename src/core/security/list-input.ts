import type { Issue } from '../foundation/issue.ts';

/** One thing that was asked for: its name, taken apart, and its value. */
export interface ListInputEntry {
  /** `filter[created_at][gte]` is `['filter', 'created_at', 'gte']`. */
  readonly path: readonly string[];
  readonly value: unknown;
}

const maxEntries = 100;
const maxNameLength = 200;
const maxDepth = 3;
// One name and up to two in brackets.
const bracketed = /^([^[\]]+)(?:\[([^[\]]+)\])?(?:\[([^[\]]+)\])?$/u;

/**
 * Takes what came from outside apart: pairs of names and values, such as `URLSearchParams`, or an object, whose names
 * may be nested or in brackets. It reads own members alone, each once, and nothing deeper or longer than a list can be
 * asked for.
 *
 * @param issues receives the fault of what is neither, and of what is too much
 */
export function readListInput(input: unknown, issues: Issue[]): ListInputEntry[] {
  const entries: ListInputEntry[] = [];
  const add = (path: readonly string[], value: unknown): void => {
    if (entries.length === maxEntries)
      issues.push({ path: [], message: `must ask for at most ${maxEntries} things` });
    if (entries.length <= maxEntries) entries.push({ path, value });
  };
  if (isPairs(input)) {
    const values = new Map<string, string[]>();
    let count = 0;
    for (const [name, value] of input) {
      count += 1;
      if (count > maxEntries) break;
      const known = values.get(name);
      if (known === undefined) values.set(name, [value]);
      else known.push(value);
    }
    if (count > maxEntries) issues.push({ path: [], message: `must ask for at most ${maxEntries} things` });
    for (const [name, list] of values) add(splitName(name, issues), list.length === 1 ? list[0] : list);
  } else if (isObject(input)) {
    addMembers([], input, add, issues);
  } else {
    issues.push({ path: [], message: 'must be an object, or pairs such as URLSearchParams' });
  }
  return entries;
}

/** A name from outside, as it may stand in the path of a fault: no longer than a name, and on one line. */
export function shownName(name: string): string {
  return /^[\w.-]{1,64}$/u.test(name) ? name : '(another name)';
}

function addMembers(
  parents: readonly string[],
  input: object,
  add: (path: readonly string[], value: unknown) => void,
  issues: Issue[],
): void {
  const members = Object.entries(input);
  if (members.length > maxEntries) {
    issues.push({ path: parents.map(shownName), message: `must have at most ${maxEntries} members` });
    return;
  }
  for (const [name, value] of members as [string, unknown][]) {
    const path = [...parents, ...(parents.length === 0 ? splitName(name, issues) : [name])];
    if (isObject(value) && path.length < maxDepth) addMembers(path, value, add, issues);
    else add(path, value);
  }
}

function splitName(name: string, issues: Issue[]): string[] {
  const parts = name.length > maxNameLength ? null : bracketed.exec(name);
  if (parts !== null) return parts.slice(1).filter((part) => part !== undefined);
  issues.push({ path: [shownName(name)], message: 'is no name that a list is asked by' });
  return [];
}

function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

// As URLSearchParams, which other realms have as well.
function isPairs(value: unknown): value is Iterable<[string, string]> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'getAll' in value &&
    typeof value.getAll === 'function' &&
    Symbol.iterator in value
  );
}
