import { sql, type Kysely } from 'kysely';

/** A column as SQLite describes it. */
export interface SqliteColumn {
  readonly name: string;
  /** Whether it is computed from others, so that nothing can be written into it. */
  readonly isGenerated: boolean;
  /** Whether a row may leave it out. */
  readonly isOptional: boolean;
}

/** A table as SQLite describes it. */
export interface SqliteTable {
  readonly columns: readonly SqliteColumn[];
  /** A name under which the key of its rows can be read and written; none for one WITHOUT ROWID. */
  readonly rowid: string | undefined;
  /** The column that is that key under a name of its own, where there is one. */
  readonly rowidColumn: string | undefined;
}

interface Described {
  readonly name: string;
  readonly type: string;
  readonly hidden: number;
  readonly isRequired: number;
  readonly position: number;
  readonly hasRowid: number;
}

/** Reads how a table is made. */
export async function readSqliteTable(db: Kysely<any>, table: string): Promise<SqliteTable> {
  const { rows } = await sql<Described>`
    select c.name, c.type, c.hidden, c."notnull" = 1 and c.dflt_value is null as "isRequired",
      c.pk as position, t.wr = 0 as "hasRowid"
    from pragma_table_list t, pragma_table_xinfo(t.name) c
    where t.schema = 'main' and t.name = ${table} order by c.cid`.execute(db);
  const names = new Set(rows.map(({ name }) => name.toLowerCase()));
  const hasRowid = rows[0]?.hasRowid === 1;
  const keys = rows.filter(({ position }) => position > 0);
  const isAlias = hasRowid && keys.length === 1 && keys[0]?.type.toUpperCase() === 'INTEGER';
  return {
    columns: rows.map(({ name, hidden, isRequired }) => ({
      name,
      isGenerated: hidden === 2 || hidden === 3,
      isOptional: isRequired === 0,
    })),
    rowid: hasRowid ? ['rowid', '_rowid_', 'oid'].find((name) => !names.has(name)) : undefined,
    rowidColumn: isAlias ? keys[0]?.name : undefined,
  };
}

/** Finds a column by its name, as SQLite does: whatever its case. */
export function findSqliteColumn(table: SqliteTable, name: string): SqliteColumn | undefined {
  return table.columns.find((column) => isSameName(column.name, name));
}

/** Whether two names are one to SQLite. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
