import { sql, type RawBuilder } from 'kysely';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { nothing } from '../query/condition.ts';
import { plainSlot } from '../query/statement-template.ts';
import { laterOf } from './change-row.ts';
import type { RunShape, StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

// Above this the statement only grows; the time a row does not fall any more.
const maxRowsPerStatement = 1_000;

/** Inserts one row. */
export async function insertRow(
  run: RunShape,
  { table, names }: TableDefinition,
  row: StoredRow,
): Promise<StoredRow> {
  const given = Object.keys(row);
  const { rows } = await run({
    key: `insert one ${given.join('\0')}`,
    values: Object.values(row),
    build: (db) =>
      db
        .insertInto(table)
        .values(slotsOf(given))
        .returning([...names]),
  });
  return requireRow(rows, table);
}

/**
 * Divides rows into as few statements as the engine's limit of parameters allows.
 *
 * @throws ValidationError where the rows have not all the same columns
 */
export function divideRows(rows: readonly StoredRow[], maxParameters: number): (readonly StoredRow[])[] {
  const [first] = rows;
  if (first === undefined) return [];
  requireSameColumns(first, rows);
  const perStatement = Math.floor(maxParameters / Math.max(1, Object.keys(first).length));
  const size = Math.max(1, Math.min(maxRowsPerStatement, perStatement));
  const chunks: (readonly StoredRow[])[] = [];
  for (let from = 0; from < rows.length; from += size) chunks.push(rows.slice(from, from + size));
  return chunks;
}

/**
 * Inserts rows with the same columns by one statement.
 *
 * @param returning the columns that come back; none by default
 * @param conflict the columns of a unique constraint: a row that is there in them is passed over; none by default
 * @returns the rows as they were stored, in no order, where columns were asked for
 */
export async function insertChunk(
  run: RunShape,
  { table }: TableDefinition,
  rows: readonly StoredRow[],
  returning: readonly string[] = [],
  conflict: readonly string[] = [],
): Promise<readonly StoredRow[]> {
  const names = Object.keys(rows[0] ?? {});
  const values: unknown[] = [];
  for (const row of rows) for (const name of names) values.push(row[name]);
  const result = await run({
    key: `insert many ${rows.length} ${names.join('\0')}\0\0${returning.length > 0}\0${conflict.join('\0')}`,
    values,
    build(db) {
      let position = 0;
      const slots = rows.map(() => Object.fromEntries(names.map((name) => [name, plainSlot(position++)])));
      let insert = db.insertInto(table).values(slots);
      if (conflict.length > 0)
        insert = insert.onConflict((target) => target.columns([...conflict]).doNothing());
      return returning.length === 0 ? insert : insert.returning([...returning]);
    },
  });
  return result.rows;
}

// A column that only some rows have would be filled with its default on one engine and with NULL on another.
function requireSameColumns(first: StoredRow, rows: readonly StoredRow[]): void {
  const names = Object.keys(first);
  const odd = rows.findIndex(
    (row) => Object.keys(row).length !== names.length || !names.every((name) => Object.hasOwn(row, name)),
  );
  if (odd < 0) return;
  throw new ValidationError([
    { path: [odd], message: 'must have a value for the same columns as the first row' },
  ]);
}

/**
 * Inserts a row, or updates the one that has the same values in the columns of a unique constraint. The row
 * that is there keeps its key and what is only ever inserted, and its version grows by one.
 */
export async function upsertRow(
  run: RunShape,
  definition: TableDefinition,
  row: StoredRow,
  conflict: readonly string[],
): Promise<StoredRow> {
  const { table, names } = definition;
  const given = Object.keys(row);
  const { rows } = await run({
    key: `upsert ${given.join('\0')}\0\0${conflict.join('\0')}`,
    values: Object.values(row),
    build: (db) =>
      db
        .insertInto(table)
        .values(slotsOf(given))
        .onConflict((target) =>
          target.columns([...conflict]).doUpdateSet(upsertChanges(definition, given, conflict)),
        )
        .returning([...names]),
  });
  return requireRow(rows, table);
}

/**
 * Inserts a row, unless there is one with the same values in the columns of a unique constraint: that one is kept from
 * being changed until the transaction ends.
 *
 * @returns the row that was inserted; undefined where there is one
 */
export async function insertOrLock(
  run: RunShape,
  { table, names }: TableDefinition,
  row: StoredRow,
  conflict: readonly string[],
): Promise<StoredRow | undefined> {
  const given = Object.keys(row);
  const { rows } = await run({
    key: `insert or lock ${given.join('\0')}\0\0${conflict.join('\0')}`,
    values: Object.values(row),
    build: (db) =>
      db
        .insertInto(table)
        .values(slotsOf(given))
        .onConflict((target) =>
          target
            .columns([...conflict])
            // Unlike `do nothing`, it locks what is there; an update has to name something.
            .doUpdateSet(Object.fromEntries(conflict.map((name) => [name, sql.ref(`excluded.${name}`)])))
            .where(nothing),
        )
        .returning([...names]),
  });
  return rows[0];
}

function upsertChanges(
  { table, version, updatable, growing }: TableDefinition,
  given: readonly string[],
  conflict: readonly string[],
): Record<string, RawBuilder<unknown>> {
  const changes = new Map<string, RawBuilder<unknown>>();
  for (const name of given) {
    if (!updatable.has(name) || conflict.includes(name)) continue;
    const next = sql.ref(`excluded.${name}`);
    changes.set(name, growing.has(name) ? laterOf(sql.ref(`${table}.${name}`), next) : next);
  }
  if (version !== undefined) changes.set(version.name, sql`${sql.ref(`${table}.${version.name}`)} + 1`);
  // An update of nothing is no statement; this one changes nothing and still returns the row.
  if (changes.size === 0) for (const name of conflict) changes.set(name, sql.ref(`excluded.${name}`));
  return Object.fromEntries(changes);
}

function slotsOf(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name, index) => [name, plainSlot(index)]));
}

function requireRow(rows: readonly StoredRow[], table: string): StoredRow {
  const [row] = rows;
  // Only a trigger that swallows the write leaves none.
  if (row === undefined) throw new NotFoundError(table);
  return row;
}
