/** Keeps two columns of a SQLite table in step by triggers that write the other column behind each write. */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ColumnsOutOfStepError } from '../../foundation/errors/migration-errors.ts';
import {
  checkExpandable,
  checkExpansion,
  defineNewColumn,
  expansionName,
  inTransaction,
  sameValue,
  type AddColumn,
  type ColumnContraction,
  type ColumnExpansion,
  type ExpandedColumn,
  type NewColumnExpansion,
} from '../column-expansion.ts';

/** Stands in the trigger, so that whoever abandons the expansion knows what the old column was. */
const notNullMark = 'the old column is NOT NULL';
const parts = ['insert', 'update_1', 'update_2'] as const;

interface ColumnFacts {
  readonly name: string;
  readonly isKey: boolean;
  readonly isNotNull: boolean;
}

/** Adds the new column, and the triggers that keep both in step. */
export async function expandSqliteColumn(
  db: Kysely<any>,
  expansion: NewColumnExpansion,
  addColumn: AddColumn,
): Promise<void> {
  checkExpansion(db, expansion);
  const { table, from, to } = expansion;
  const columns = await readColumns(db, table);
  checkExpandable(columns, expansion);
  const definition = defineNewColumn(expansion);
  const isNotNull = columns.find(({ name }) => name === from)?.isNotNull === true;
  const row = await identifyRow(db, table, columns);
  await inTransaction(db, async (trx) => {
    await addColumn(trx, table, to, () => definition);
    // A trigger cannot fill a column before NOT NULL is checked; it looks at the row itself at its end.
    if (isNotNull) await alterNull(trx, table, from, sql`drop not null`);
    await createTriggers(trx, expansion, row, isNotNull);
  });
}

/** Drops the triggers and the new column. */
export async function abandonSqliteExpansion(db: Kysely<any>, expansion: ExpandedColumn): Promise<void> {
  checkExpansion(db, expansion);
  const { table, from, to } = expansion;
  await inTransaction(db, async (trx) => {
    const { rows } = await sql<{ sql: string }>`select sql from sqlite_schema
      where type = 'trigger' and name = ${expansionName(expansion, 'insert')}`.execute(trx);
    await dropTriggers(trx, expansion);
    await dropIndexesOf(trx, table, to);
    await sql`alter table ${sql.table(table)} drop column ${sql.id(to)}`.execute(trx);
    if (rows[0]?.sql.includes(notNullMark) === true) await alterNull(trx, table, from, sql`set not null`);
  });
}

/** Drops the triggers and the old column. */
export async function contractSqliteColumn(db: Kysely<any>, contraction: ColumnContraction): Promise<void> {
  checkExpansion(db, contraction);
  const { table, from, to, notNull = false } = contraction;
  await inTransaction(db, async (trx) => {
    const columns = await readColumns(trx, table);
    const has = (name: string): boolean => columns.some((column) => column.name === name);
    // It ran before, without a transaction, and was stopped before it was recorded.
    if (has(to) && !has(from)) return;
    await requireInStep(trx, contraction);
    await dropTriggers(trx, contraction);
    await dropIndexesOf(trx, table, from);
    await sql`alter table ${sql.table(table)} drop column ${sql.id(from)}`.execute(trx);
    if (notNull) await alterNull(trx, table, to, sql`set not null`);
  });
}

async function readColumns(db: Kysely<any>, table: string): Promise<ColumnFacts[]> {
  const { rows } = await sql<{ name: string; pk: number; notnull: number }>`
    select name, pk, "notnull" from pragma_table_xinfo(${table})`.execute(db);
  return rows.map(({ name, pk, notnull }) => ({ name, isKey: pk > 0, isNotNull: notnull === 1 }));
}

/** The condition that finds the row of a trigger: by its rowid, or by its key where the table has none. */
async function identifyRow(
  db: Kysely<any>,
  table: string,
  columns: readonly ColumnFacts[],
): Promise<RawBuilder<unknown>> {
  const { rows } = await sql<{ wr: number }>`
    select wr from pragma_table_list where name = ${table} and schema = 'main'`.execute(db);
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const rowid = ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
  const key =
    rows[0]?.wr === 1 || rowid === undefined
      ? columns.filter(({ isKey }) => isKey).map(({ name }) => name)
      : [rowid];
  return sql.join(
    key.map((name) => sql`${sql.id(name)} = new.${sql.id(name)}`),
    sql` and `,
  );
}

/** Whether the row's columns do not agree, whichever way one looks at it. By bytes, whatever the collation is. */
function outOfStep({ from, to, forward = sameValue, backward = sameValue }: ColumnExpansion) {
  const [oldValue, newValue] = [sql.id(from), sql.id(to)];
  return sql`${oldValue} collate binary is not (${backward(newValue)})
    and ${newValue} collate binary is not (${forward(oldValue)})`;
}

async function createTriggers(
  db: Kysely<any>,
  expansion: ColumnExpansion,
  row: RawBuilder<unknown>,
  isNotNull: boolean,
): Promise<void> {
  const { from, to, forward = sameValue, backward = sameValue } = expansion;
  const [table, oldColumn, newColumn] = [sql.table(expansion.table), sql.id(from), sql.id(to)];
  const unchanged = (column: RawBuilder<unknown>) => sql`new.${column} collate binary is old.${column}`;
  const differs = outOfStep(expansion);
  const fill = sql`update ${table} set ${newColumn} = ${forward(oldColumn)} where ${row} and ${newColumn} is null;`;
  const writeOld = sql`update ${table} set ${oldColumn} = ${backward(newColumn)} where ${row} and ${differs};`;
  const writeNew = sql`update ${table} set ${newColumn} = ${forward(oldColumn)} where ${row} and ${differs};`;
  const message = sql.lit(`NOT NULL constraint failed: ${expansion.table}.${from}`);
  const guard = isNotNull
    ? sql`/* ${sql.raw(notNullMark)} */
      select raise(abort, ${message}) where exists (select 1 from ${table} where ${row} and ${oldColumn} is null);`
    : sql``;
  const create = (part: (typeof parts)[number], event: RawBuilder<unknown>, body: RawBuilder<unknown>) =>
    sql`create trigger ${sql.id(expansionName(expansion, part))} after ${event} begin ${body} ${guard} end`.execute(
      db,
    );
  await create('insert', sql`insert on ${table}`, sql`${fill} ${writeOld}`);
  // Where one column alone changed, that one decides; where both did, the new one does.
  await create(
    'update_1',
    sql`update of ${newColumn} on ${table} when not (${unchanged(newColumn)}) or ${unchanged(oldColumn)}`,
    writeOld,
  );
  await create('update_2', sql`update of ${oldColumn} on ${table} when ${unchanged(newColumn)}`, writeNew);
}

async function dropTriggers(db: Kysely<any>, expansion: ExpandedColumn): Promise<void> {
  for (const part of parts)
    await sql`drop trigger if exists ${sql.id(expansionName(expansion, part))}`.execute(db);
}

/** Postgres drops the indexes of a column with it; SQLite refuses to drop a column that has one. */
async function dropIndexesOf(db: Kysely<any>, table: string, column: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`select distinct list.name as name
    from pragma_index_list(${table}) as list, pragma_index_info(list.name) as info
    where list.origin = 'c' and info.name = ${column}`.execute(db);
  for (const { name } of rows) await sql`drop index ${sql.id(name)}`.execute(db);
}

async function alterNull(
  db: Kysely<any>,
  table: string,
  column: string,
  change: RawBuilder<unknown>,
): Promise<void> {
  await sql`alter table ${sql.table(table)} alter column ${sql.id(column)} ${change}`.execute(db);
}

async function requireInStep(db: Kysely<any>, expansion: ColumnExpansion): Promise<void> {
  const { table, from, to } = expansion;
  const { rows } =
    await sql`select 1 as one from ${sql.table(table)} where ${outOfStep(expansion)} limit 1`.execute(db);
  if (rows.length > 0) throw new ColumnsOutOfStepError({ table, from, to });
}
