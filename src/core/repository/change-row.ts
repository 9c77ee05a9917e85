import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { NotFoundError, StaleEntityError } from '../foundation/errors/entity-errors.ts';
import type { Column } from '../query/column.ts';
import { bindValue } from '../query/column-value.ts';
import { allOf, type Condition } from '../query/condition.ts';
import { slot } from '../query/statement-template.ts';
import { equalColumns, keyCondition, sameColumns } from './key-condition.ts';
import { lockTarget } from './lock-row.ts';
import type { ReadContext } from './plan-read.ts';
import type { RowTarget } from './row-target.ts';
import { selectByKey } from './select-rows.ts';
import type { RunShape, StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';
import type { RowChange } from './write-observer.ts';

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
  return (await sendUpdate(run, definition, target, row)) ?? explainMiss(run, definition, target);
}

/**
 * Updates the row of an entity, and tells what it was before.
 *
 * @param known the row as it was read before, where it was: it is taken at its word only where the update finds it so
 * @throws as `updateRow`
 */
export async function updateRowKnowing(
  run: RunShape,
  context: ReadContext,
  target: RowTarget,
  row: StoredRow,
  known?: StoredRow,
): Promise<RowChange> {
  const { definition } = context;
  if (known !== undefined && isAtVersion(known, target, definition) && writesAnything(row, definition)) {
    const after = await sendUpdate(run, definition, target, row, known);
    if (after !== undefined) return { before: known, after };
  }
  const before = await lockTarget(run, context, target, 'update');
  if (before === undefined) return explainMiss(run, definition, target);
  return { before, after: await updateRow(run, definition, target, row) };
}

/** @returns the row as it is stored now; undefined where none was met */
async function sendUpdate(
  run: RunShape,
  definition: TableDefinition,
  target: RowTarget,
  row: StoredRow,
  known?: StoredRow,
): Promise<StoredRow | undefined> {
  // An update of nothing is no statement; where there is nothing to write the row only has to be there.
  if (!writesAnything(row, definition)) return selectByKey(run, definition, target.key);
  const { table, columns, version, updatable, growing, names } = definition;
  const changed: string[] = [];
  const values: unknown[] = [];
  for (const name in row) {
    if (!updatable.has(name)) continue;
    changed.push(name);
    values.push(row[name]);
  }
  const versionSlot = values.length;
  if (version !== undefined) values.push((target.version ?? 0) + 1);
  const keySlot = values.length;
  values.push(...targetValues(target));
  const place = changed.some((name) => columns.get(name)?.sealed) ? placeColumns(row, definition) : [];
  const placeSlot = values.length;
  for (const { name } of place) values.push(row[name]);
  const placeNames = place.map(({ name }) => name);
  const same = known === undefined ? [] : [...columns.values()].filter(({ name }) => updatable.has(name));
  const sameSlot = values.length;
  for (const { name } of same) values.push(known?.[name]);
  const { rows } = await run({
    key: `update ${changed.join('\0')}\0\0${placeNames.join('\0')}\0\0${same.length > 0}`,
    values,
    build(db) {
      const changes = changed.map((name, index): [string, RawBuilder<unknown>] => [
        name,
        growing.has(name) ? laterOf(sql.ref(name), slot(index)) : slot(index),
      ]);
      if (version !== undefined) changes.push([version.name, slot(versionSlot)]);
      const isMeant = [
        targetCondition(definition, keySlot),
        ...equalColumns(place, placeSlot),
        ...sameColumns(same, sameSlot),
      ];
      return db
        .updateTable(table)
        .set(Object.fromEntries(changes))
        .where(allOf(isMeant))
        .returning([...names]);
    },
  });
  return rows[0];
}

function isAtVersion(row: StoredRow, target: RowTarget, { version }: TableDefinition): boolean {
  return version === undefined || row[version.name] === target.version;
}

function writesAnything(row: StoredRow, { updatable, version }: TableDefinition): boolean {
  if (version !== undefined) return true;
  for (const name in row) if (updatable.has(name)) return true;
  return false;
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

/**
 * Deletes the row of an entity, and tells what it was.
 *
 * @throws as `deleteRow`
 */
export async function deleteRowReturning(
  run: RunShape,
  definition: TableDefinition,
  target: RowTarget,
): Promise<StoredRow> {
  const { rows } = await run({
    key: 'delete returning',
    values: targetValues(target),
    build: (db) =>
      db
        .deleteFrom(definition.table)
        .where(targetCondition(definition, 0))
        .returning([...definition.names]),
  });
  return rows[0] ?? explainMiss(run, definition, target);
}

/**
 * Deletes the row that has a key, at whatever version.
 *
 * @returns whether there was one
 */
export async function deleteByKey(
  run: RunShape,
  definition: TableDefinition,
  key: readonly unknown[],
): Promise<boolean> {
  const { numAffectedRows } = await run({
    key: 'delete by key',
    values: key,
    build: (db) => db.deleteFrom(definition.table).where(keyCondition(definition, 0)),
  });
  return Boolean(numAffectedRows);
}

/** The same, which tells what it was; undefined where there was none. */
export async function deleteByKeyReturning(
  run: RunShape,
  definition: TableDefinition,
  key: readonly unknown[],
): Promise<StoredRow | undefined> {
  const { rows } = await run({
    key: 'delete by key returning',
    values: key,
    build: (db) =>
      db
        .deleteFrom(definition.table)
        .where(keyCondition(definition, 0))
        .returning([...definition.names]),
  });
  return rows[0];
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
