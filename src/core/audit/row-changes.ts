import type { MacKeys } from '../foundation/mac-keys.ts';
import type { StoredRow } from '../repository/stored-row.ts';
import type { RowChange } from '../repository/write-observer.ts';
import type { AuditEvent, FieldChange } from './audit-event.ts';
import { bytesValue, maskValue, sealedValue } from './masked-value.ts';
import type { AuditedField, TableRules } from './table-rules.ts';

/**
 * Tells what became of a row.
 *
 * @param keys make the codes of masked values
 * @returns the event; undefined where nothing that is recorded has changed
 */
export function eventOfChange(
  rules: TableRules,
  { before, after }: RowChange,
  keys: MacKeys,
): AuditEvent | undefined {
  const row = after ?? before;
  if (row === undefined) return undefined;
  const changes = changesOf(rules, before, after, keys);
  if (before !== undefined && after !== undefined && changes.length === 0) return undefined;
  const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  return { action, entity: { type: rules.entity, id: entityId(rules, row) }, changes };
}

/** The key of a row as text: that of a single column, or the JSON array of several. */
export function entityId({ definition }: Pick<TableRules, 'definition'>, row: StoredRow): string {
  const values = definition.key.map(({ name }) => row[name]);
  return values.length === 1 ? String(values[0]) : JSON.stringify(values);
}

function changesOf(
  { fields, entity }: TableRules,
  before: StoredRow | undefined,
  after: StoredRow | undefined,
  keys: MacKeys,
): FieldChange[] {
  const show = (field: AuditedField, row: StoredRow): unknown =>
    shownValue(field, row[field.name], entity, keys);
  if (before === undefined) return fields.map((field) => ({ field: field.name, new: show(field, after!) }));
  if (after === undefined) return fields.map((field) => ({ field: field.name, old: show(field, before) }));
  return fields
    .filter(({ name, isUpdated }) => isUpdated && !isSame(before[name], after[name]))
    .map((field) => ({ field: field.name, old: show(field, before), new: show(field, after) }));
}

function shownValue({ name, style }: AuditedField, value: unknown, entity: string, keys: MacKeys): unknown {
  if (value === null || value === undefined) return null;
  if (style === 'sealed') return sealedValue;
  if (style === 'masked') {
    return maskValue(keys, { entity, field: name }, value as string | number | Uint8Array);
  }
  if (value instanceof Uint8Array) return bytesValue(value);
  // JSON has no word for what Postgres may hold there.
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function isSame(one: unknown, other: unknown): boolean {
  if (!(one instanceof Uint8Array) || !(other instanceof Uint8Array)) return Object.is(one, other);
  return Buffer.compare(one, other) === 0;
}
