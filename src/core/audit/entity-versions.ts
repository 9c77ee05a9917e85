import { isPlainObject } from '../config/plain-object.ts';
import type { AuditEntry } from './audit-entry.ts';
import type { FieldChange } from './audit-event.ts';
import { canonicalJson } from './canonical-json.ts';

/** What an entity was after one of its entries. */
export interface EntityVersion {
  /** The entry that made it, or that only told of it. */
  readonly entry: AuditEntry;
  /**
   * The fields and their values, as far as the trail tells them; undefined where the entity was deleted. What was
   * masked or encrypted is there as it was recorded.
   */
  readonly state: Readonly<Record<string, unknown>> | undefined;
  /**
   * Whether these are all fields that were ever recorded of it: false where its beginning is not in the trail, where
   * something between was erased, or where values do not follow from each other since entries were purged.
   */
  readonly isComplete: boolean;
}

/** The actions of audited repositories that begin and end an entity. */
const beginning = 'create';
const ending = 'delete';

type Fields = Map<string, unknown>;

/**
 * Rebuilds an entity after each of its entries. A value is known from the last change that set it; before its first
 * change, from the old value that this one tells of.
 *
 * @param entries of one entity, in their order
 */
export function rebuildVersions(entries: readonly AuditEntry[]): EntityVersion[] {
  const versions: EntityVersion[] = [];
  for (let start = 0; start < entries.length;) {
    const end = endOfSpan(entries, start);
    versions.push(...rebuildSpan(entries.slice(start, end)));
    start = end;
  }
  return versions;
}

/** A span is what values carry over in: it ends behind a deletion, and ahead of a creation and of what was erased. */
function endOfSpan(entries: readonly AuditEntry[], start: number): number {
  const length = entries
    .slice(start)
    .findIndex(({ action, isErased }, index) => index > 0 && (isErased || action === beginning));
  const limit = length < 0 ? entries.length : start + length;
  const deletion = entries.slice(start, limit).findIndex(({ action }) => action === ending);
  return deletion < 0 ? limit : start + deletion + 1;
}

function rebuildSpan(span: readonly AuditEntry[]): EntityVersion[] {
  const [first] = span;
  let isComplete = first?.action === beginning && !first.isErased;
  const fields: Fields = isComplete ? new Map() : valuesBefore(span);
  return span.map((entry) => {
    for (const change of entry.changes) {
      if ('old' in change && !canFollow(fields.get(change.field), change.old)) isComplete = false;
      if ('new' in change) fields.set(change.field, change.new);
      else fields.delete(change.field);
    }
    const isGone = entry.action === ending;
    return { entry, state: isGone ? undefined : Object.fromEntries(fields), isComplete };
  });
}

/** What the old values of the first changes tell of the time before. */
function valuesBefore(span: readonly AuditEntry[]): Fields {
  const fields: Fields = new Map();
  const seen = new Set<string>();
  for (const change of span.flatMap(({ changes }) => changes)) {
    if ('old' in change && !seen.has(change.field)) fields.set(change.field, change.old);
    seen.add(change.field);
  }
  return fields;
}

/**
 * What changed between two states of an entity.
 *
 * @param before the earlier state; undefined where there was none
 * @param after the later state; undefined where there is none
 * @returns the fields that differ, by name; a field that one side does not have has no `old` or no `new`
 */
export function compareStates(before: EntityVersion['state'], after: EntityVersion['state']): FieldChange[] {
  const [old, next] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...old.keys(), ...next.keys()])]
    .toSorted()
    .filter((field) => old.has(field) !== next.has(field) || !isSame(old.get(field), next.get(field)))
    .map((field) => ({
      field,
      ...(old.has(field) ? { old: old.get(field) } : {}),
      ...(next.has(field) ? { new: next.get(field) } : {}),
    }));
}

function fieldsOf(state: EntityVersion['state']): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(state ?? {}));
}

/** Whether an old value can be the one that was set before it. Codes of two keys cannot be told to differ. */
function canFollow(before: unknown, old: unknown): boolean {
  if (isSame(before, old)) return true;
  const [one, other] = [codeKey(before), codeKey(old)];
  return one !== undefined && other !== undefined && one !== other;
}

/** The key of the code that stands for a value. */
function codeKey(value: unknown): string | undefined {
  if (!isPlainObject(value)) return undefined;
  const code = value['$masked'] ?? value['$digest'];
  return typeof code === 'string' ? code.slice(0, code.lastIndexOf(':')) : undefined;
}

/** Whether two values say the same; the order of members says nothing. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other || one === undefined || other === undefined) return one === other;
  return canonicalJson(one) === canonicalJson(other);
}
