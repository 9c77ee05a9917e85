import { sql, type RawBuilder } from 'kysely';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { laterOf } from './change-row.ts';
import type { StoredRow, UntypedDatabase } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

// Above this the statement only grows; the time a row does not fall any more.
const maxRowsPerStatement = 1_000;

/** Inserts one row. */
export async function insertRow(
  db: UntypedDatabase,
  definition: TableDefinition,
  row: StoredRow,
): Promise<StoredRow> {
  const query = db
    .insertInto(definition.table)
    .values(row)
    .returning([...definition.names]);
  return requireRow(await query.execute(), definition);
}

/**
 * Inserts rows, all or none, in as few statements as the engine's limit of parameters allows.
 *
 * @returns how many
 */
export async function insertRows(
  db: UntypedDatabase,
  { table }: TableDefinition,
  rows: readonly StoredRow[],
  maxParameters: number,
): Promise<number> {
  const [first] = rows;
  if (first === undefined) return 0;
  requireSameColumns(first, rows);
  const perStatement = Math.floor(maxParameters / Math.max(1, Object.keys(first).length));
  const size = Math.max(1, Math.min(maxRowsPerStatement, perStatement));
  const insertChunks = async (on: UntypedDatabase): Promise<void> => {
    for (let from = 0; from < rows.length; from += size) {
      await on
        .insertInto(table)
        .values(rows.slice(from, from + size))
        .execute();
    }
  };
  await (rows.length <= size || db.isTransaction ? insertChunks(db) : db.transaction().execute(insertChunks));
  return rows.length;
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
  db: UntypedDatabase,
  definition: TableDefinition,
  row: StoredRow,
  conflict: readonly string[],
): Promise<StoredRow> {
  const { table, version, updatable, growing } = definition;
  const changes = new Map<string, RawBuilder<unknown>>();
  for (const name of Object.keys(row)) {
    if (!updatable.has(name) || conflict.includes(name)) continue;
    const next = sql.ref(`excluded.${name}`);
    changes.set(name, growing.has(name) ? laterOf(sql.ref(`${table}.${name}`), next) : next);
  }
  if (version !== undefined) changes.set(version.name, sql`${sql.ref(`${table}.${version.name}`)} + 1`);
  // An update of nothing is no statement; this one changes nothing and still returns the row.
  if (changes.size === 0) for (const name of conflict) changes.set(name, sql.ref(`excluded.${name}`));
  const query = db
    .insertInto(table)
    .values(row)
    .onConflict((target) => target.columns([...conflict]).doUpdateSet(Object.fromEntries(changes)))
    .returning([...definition.names]);
  return requireRow(await query.execute(), definition);
}

function requireRow(rows: readonly StoredRow[], { table }: TableDefinition): StoredRow {
  const [row] = rows;
  // Only a trigger that swallows the write leaves none.
  if (row === undefined) throw new NotFoundError(table);
  return row;
}
