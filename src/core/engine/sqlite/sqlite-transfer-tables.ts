import { sql, type Kysely } from 'kysely';
import { isBookkeepingTable } from '../bookkeeping-tables.ts';
import { quoteName } from '../orphan-condition.ts';
import type { TransferColumn, TransferKind, TransferReference, TransferTable } from '../transfer-table.ts';

interface Row {
  readonly name: string;
  /** The statement that made it. */
  readonly text: string;
  readonly columns: string;
  readonly references: string;
  /** By which name the number of a row is found; null where rows have none, or all of its names are columns. */
  readonly rowid: string | null;
  /** Whether each column holds nothing but values of its type: 0 or 1. */
  readonly strict: number;
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly required: number;
  /** The place in the primary key, from 1; 0 outside of it. */
  readonly key: number;
}

interface ReferenceRow {
  readonly id: number;
  readonly parent: string;
  readonly from: string;
  /** Null where the primary key is meant. */
  readonly to: string | null;
}

/** Reads the tables of the main database, in one statement. Virtual tables and what they keep are none. */
export async function readSqliteTables(db: Kysely<any>): Promise<readonly TransferTable[]> {
  const { rows } = await sql<Row>`
    select name, (select sql from main.sqlite_schema where type = 'table' and name = tables.name) as text,
      (select json_group_array(json_object('name', name, 'type', type, 'required', "notnull", 'key', pk) order by cid)
        from pragma_table_xinfo(tables.name) where hidden = 0) as columns,
      (select json_group_array(json_object('id', id, 'parent', "table", 'from', "from", 'to', "to") order by id, seq)
        from pragma_foreign_key_list(tables.name)) as "references",
      (select value from json_each('["rowid", "_rowid_", "oid"]')
        where wr = 0 and value not in (select lower(name) from pragma_table_xinfo(tables.name)) limit 1) as rowid, strict
    from pragma_table_list as tables
    where schema = 'main' and type = 'table' and substr(name, 1, 7) <> 'sqlite_' order by name
  `.execute(db);
  const names = new Set(rows.map(({ name }) => name));
  const own = rows.filter(({ name }) => !isBookkeepingTable(name, names));
  const keys = new Map(own.map(({ name, columns }) => [name.toLowerCase(), { name, key: keyOf(columns) }]));
  return own.map((row) => {
    const key = keyOf(row.columns);
    const columns = (JSON.parse(row.columns) as ColumnRow[]).map((column) => toColumn(column, row.text, key));
    const references = toReferences(JSON.parse(row.references) as ReferenceRow[], keys);
    return { name: row.name, columns, key, walk: walkOf(row, key, columns), references };
  });
}

/** Reads the names of all tables of the main database. */
export async function readSqliteNames(db: Kysely<any>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{
    name: string;
  }>`select name from main.sqlite_schema where type = 'table'`.execute(db);
  return new Set(rows.map(({ name }) => name));
}

/**
 * Without numbers of rows by the key, where no row is passed over or met twice: values of another type than that of their
 * column, texts that are no UTF-8 or are compared in two ways, and rounded numbers are not where they are looked for.
 */
function walkOf(
  { rowid, strict }: Row,
  key: readonly string[],
  columns: readonly TransferColumn[],
): TransferTable['walk'] {
  if (rowid !== null) return [{ name: rowid, kind: 'integer' }];
  const parts = key.map((name) => columns.find((column) => column.name === name)!);
  const areFit = parts.every(({ kind }) => kind === 'integer' || kind === 'blob' || kind === 'real');
  return strict === 1 && areFit ? parts : [];
}

/** What is in a key may be NULL in SQLite where nothing else forbids it, unless it is the number of the row itself. */
function toColumn(
  { name, type, required, key }: ColumnRow,
  table: string,
  { length: keyLength }: readonly string[],
): TransferColumn {
  const isRowid = key > 0 && keyLength === 1 && type.toLowerCase() === 'integer';
  const kind = isJson(name, table) ? 'json' : kindOf(type);
  const rounding = kind === 'decimal' ? 'double' : undefined;
  return { name, kind, nullable: required === 0 && !isRowid, range: undefined, rounding };
}

/** SQLite has no type for JSON: it is text whose CHECK says so. */
function isJson(column: string, table: string): boolean {
  return [quoteName(column), column].some((name) => table.includes(`json_valid(${name})`));
}

/** By the rules of affinity, which also hold for the types of STRICT tables. */
function kindOf(type: string): TransferKind {
  if (/int/i.test(type)) return 'integer';
  if (/char|clob|text/i.test(type)) return 'text';
  if (/blob/i.test(type)) return 'blob';
  if (/real|floa|doub/i.test(type)) return 'real';
  if (/^\s*(?:any\s*)?$/i.test(type)) return 'any';
  return /^\s*(?:numeric|decimal)\b/i.test(type) ? 'decimal' : 'other';
}

function keyOf(columns: string): readonly string[] {
  return (JSON.parse(columns) as ColumnRow[])
    .filter(({ key }) => key > 0)
    .sort((a, b) => a.key - b.key)
    .map(({ name }) => name);
}

function toReferences(
  rows: readonly ReferenceRow[],
  keys: ReadonlyMap<string, { readonly name: string; readonly key: readonly string[] }>,
): readonly TransferReference[] {
  return [...Map.groupBy(rows, ({ id }) => id).values()].map((parts) => {
    // A parent may be named in other letters, and need not be there.
    const parent = keys.get(parts[0]!.parent.toLowerCase());
    return {
      columns: parts.map(({ from }) => from),
      parent: parent?.name ?? parts[0]!.parent,
      parentColumns: parts.map(({ to }, index) => to ?? parent?.key[index] ?? 'rowid'),
      // SQLite reads MATCH and does nothing about it.
      isWhole: false,
    };
  });
}
