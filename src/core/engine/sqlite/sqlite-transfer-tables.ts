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
        from pragma_foreign_key_list(tables.name)) as "references"
    from pragma_table_list as tables
    where schema = 'main' and type = 'table' and substr(name, 1, 7) <> 'sqlite_' order by name
  `.execute(db);
  const names = new Set(rows.map(({ name }) => name));
  const own = rows.filter(({ name }) => !isBookkeepingTable(name, names));
  const keys = new Map(own.map(({ name, columns }) => [name.toLowerCase(), { name, key: keyOf(columns) }]));
  return own.map(({ name, text, columns, references }) => ({
    name,
    columns: (JSON.parse(columns) as ColumnRow[]).map((column) => toColumn(column, text)),
    key: keyOf(columns),
    references: toReferences(JSON.parse(references) as ReferenceRow[], keys),
  }));
}

function toColumn({ name, type, required, key }: ColumnRow, table: string): TransferColumn {
  const kind = isJson(name, table) ? 'json' : kindOf(type);
  return { name, kind, nullable: required === 0 && key === 0, range: undefined };
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
  return 'other';
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
    };
  });
}
