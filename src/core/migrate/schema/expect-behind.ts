import {
  identityOf,
  toSchemaSnapshot,
  type SchemaItem,
  type SchemaSnapshot,
} from '../../engine/schema-snapshot.ts';

/** The live schema before a step and behind it. */
export interface SchemaChange {
  readonly before: SchemaSnapshot;
  readonly after: SchemaSnapshot;
}

/**
 * Says what the schema should be behind a step: what it should have been before, with what the step changed. What
 * somebody has changed by hand before stays a difference, and is not taken for the step's own. Pure.
 *
 * @param expected what should have been before; undefined where nobody knows
 */
export function expectBehind(
  expected: SchemaSnapshot | undefined,
  { before, after }: SchemaChange,
): SchemaSnapshot {
  if (expected === undefined) return after;
  return toSchemaSnapshot(expectItems(expected.items, before.items, after.items));
}

function expectItems(
  expected: readonly SchemaItem[],
  before: readonly SchemaItem[],
  after: readonly SchemaItem[],
): readonly SchemaItem[] {
  const [wanted, was, is] = [keyItems(expected), keyItems(before), keyItems(after)];
  const keys = new Set([...wanted.keys(), ...is.keys()]);
  return [...keys].flatMap((key) => {
    const item = expectItem(wanted.get(key), was.get(key), is.get(key));
    return item === undefined ? [] : [item];
  });
}

function expectItem(
  expected: SchemaItem | undefined,
  before: SchemaItem | undefined,
  after: SchemaItem | undefined,
): SchemaItem | undefined {
  if (before === undefined) return after ?? expected;
  if (after === undefined) return undefined;
  if (expected === undefined) return isSame(before, after) ? undefined : after;
  const names = new Set([...Object.keys(expected.facts), ...Object.keys(after.facts)]);
  const facts: Record<string, string> = {};
  for (const name of names) {
    const isChanged = before.facts[name] !== after.facts[name];
    const fact = (isChanged ? after : expected).facts[name];
    if (fact !== undefined) facts[name] = fact;
  }
  return { ...after, facts, parts: expectItems(expected.parts, before.parts, after.parts) };
}

function isSame(one: SchemaItem, other: SchemaItem): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function keyItems(items: readonly SchemaItem[]): ReadonlyMap<string, SchemaItem> {
  return new Map(items.map((item) => [identityOf(item), item]));
}
