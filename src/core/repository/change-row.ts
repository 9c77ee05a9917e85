import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { NotFoundError, StaleEntityError } from '../foundation/errors/entity-errors.ts';
import type { Column } from '../query/column.ts';
import { bindValue } from '../query/column-value.ts';
import { allOf, type Condition } from '../query/condition.ts';
import { slot } from '../query/statement-template.ts';
import { equalColumns, keyCondition } from './key-condition.ts';
import { selectByKey } from './select-rows.ts';
import type { RunShape, StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/** The row that is meant, and the version at which it was read. */
export interface RowTarget {
  /** A value for each column of the key. */
  readonly key: readonly unknown[];
  readonly version: number | undefined;
}

/**
 * Updates the row of an entity.
 *
 * @returns the row as it is stored now
 * @throws NotFoundError, or StaleEntityError where the row is at another version
 */
export async function updateRow(
  run: RunShape,
  definition: TableDefinition,
  target: RowTarget,
  row: StoredRow,
): Promise<StoredRow> {
  const { table, columns, version, updatable, growing, names } = definition;
  const changed: string[] = [];
  const values: unknown[] = [];
  for (const name in row) {
    if (!updatable.has(name)) continue;
    changed.push(name);
    values.push(row[name]);
  }
  // An update of nothing is no statement; where there is nothing to write the row only has to be there.
  if (changed.length === 0 && version === undefined) {
    return (await selectByKey(run, definition, target.key)) ?? explainMiss(run, definition, target);
  }
  const versionSlot = values.length;
  if (version !== undefined) values.push((target.version ?? 0) + 1);
  const keySlot = values.length;
  values.push(...targetValues(target));
  const place = changed.some((name) => columns.get(name)?.sealed) ? placeColumns(row, definition) : [];
  const placeSlot = values.length;
  for (const { name } of place) values.push(row[name]);
  const placeNames = place.map(({ name }) => name);
  const { rows } = await run({
    key: `update ${changed.join('\0')}\0\0${placeNames.join('\0')}`,
    values,
    build(db) {
      const changes = changed.map((name, index): [string, RawBuilder<unknown>] => [
        name,
        growing.has(name) ? laterOf(sql.ref(name), slot(index)) : slot(index),
      ]);
      if (version !== undefined) changes.push([version.name, slot(versionSlot)]);
      return db
        .updateTable(table)
        .set(Object.fromEntries(changes))
        .where(allOf([targetCondition(definition, keySlot), ...equalColumns(place, placeSlot)]))
        .returning([...names]);
    },
  });
  return rows[0] ?? explainMiss(run, definition, target);
}

/**
 * Deletes the row of an entity.
 *
 * @throws NotFoundError, or StaleEntityError where the row is at another version
 */
export async function deleteRow(
  run: RunShape,
  definition: TableDefinition,
  target: RowTarget,
): Promise<void> {
  const { numAffectedRows } = await run({
    key: 'delete',
    values: targetValues(target),
    build: (db) => db.deleteFrom(definition.table).where(targetCondition(definition, 0)),
  });
  if (!numAffectedRows) await explainMiss(run, definition, target);
}

/** The greater one of what is stored and what is to be; NULL is less than everything. */
export function laterOf(stored: RawBuilder<unknown>, next: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`case when ${next} >= ${stored} or ${stored} is null then ${next} else ${stored} end`;
}

// What is sealed for other values than those that stay would never open again, so that such a row is not met.
function placeColumns(row: StoredRow, { boundTo, columns, key }: TableDefinition): Column[] {
  return boundTo.flatMap((name) => {
    const column = columns.get(name);
    return column === undefined || key.includes(column) || row[name] === undefined ? [] : [column];
  });
}

function targetValues({ key, version }: RowTarget): unknown[] {
  return version === undefined ? [...key] : [...key, version];
}

function targetCondition(definition: TableDefinition, firstSlot: number): Condition {
  const { key, version } = definition;
  const isKey = keyCondition(definition, firstSlot);
  if (version === undefined) return isKey;
  const versionSlot = slot(firstSlot + key.length);
  return allOf([isKey, sql<SqlBool>`${sql.ref(version.name)} = ${bindValue(versionSlot, version.kind)}`]);
}

// Asked afterwards, so that a write that succeeds is one statement.
async function explainMiss(run: RunShape, definition: TableDefinition, target: RowTarget): Promise<never> {
  const { table, version } = definition;
  if (version === undefined || target.version === undefined) throw new NotFoundError(table);
  const row = await selectByKey(run, definition, target.key);
  // A row at this version is there where what a ciphertext is bound to differs.
  if (row === undefined || Number(row[version.name]) === target.version) throw new NotFoundError(table);
  throw new StaleEntityError(table, target.version, Number(row[version.name]));
}
