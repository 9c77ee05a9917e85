/** Finds the foreign keys of SQLite by which rows are looked for without an index. */

/** A column of a foreign key, or of an index. */
export interface KeyColumn {
  readonly owner: string;
  readonly kind: 'foreign' | 'index';
  /** Of the foreign key or the index, within its table. */
  readonly key: number | string;
  readonly name: string;
}

/** A foreign key, as its table has it. */
export interface ForeignKey {
  readonly owner: string;
  readonly columns: readonly string[];
}

/**
 * Reads the columns of all foreign keys and of all whole indexes, each in its order. The primary key has its own order
 * where it is no index: that of the rows.
 */
export const keyColumnsQuery = `
  select * from (
    select tables.name as owner, 'foreign' as kind, keys.id as key, keys.seq as place, keys."from" as name
    from main.sqlite_schema as tables join pragma_foreign_key_list(tables.name) as keys
    where tables.type = 'table'
    union all
    select tables.name, 'index', indexes.name, parts.seqno, parts.name
    from main.sqlite_schema as tables
      join pragma_index_list(tables.name) as indexes
      join pragma_index_info(indexes.name) as parts
    where tables.type = 'table' and indexes.partial = 0 and parts.name is not null
    union all
    select tables.name, 'index', 0, 0, parts.name
    from main.sqlite_schema as tables join pragma_table_info(tables.name) as parts
    where tables.type = 'table' and parts.pk = 1
      and not exists (select 1 from pragma_index_list(tables.name) where origin = 'pk')
  ) order by 1, 2, 3, 4`;

/** @param rows what `keyColumnsQuery` gives @returns those that no index begins with, nor the key of their table */
export function findBareForeignKeys(rows: readonly KeyColumn[]): readonly ForeignKey[] {
  const indexes = groupColumns(rows.filter(({ kind }) => kind === 'index'));
  return groupColumns(rows.filter(({ kind }) => kind === 'foreign')).filter(
    ({ owner, columns }) =>
      !indexes.some((index) => index.owner === owner && beginsWith(index.columns, columns)),
  );
}

function groupColumns(rows: readonly KeyColumn[]): ForeignKey[] {
  const groups = new Map<string, { readonly owner: string; readonly columns: string[] }>();
  for (const { owner, key, name } of rows) {
    const id = JSON.stringify([owner, key]);
    const group = groups.get(id) ?? { owner, columns: [] };
    groups.set(id, group);
    // SQLite takes a name in any case.
    group.columns.push(name.toLowerCase());
  }
  return [...groups.values()];
}

/** Whether an index serves a look by some columns: they are its first, in whatever order. */
function beginsWith(index: readonly string[], columns: readonly string[]): boolean {
  const first = index.slice(0, columns.length);
  return columns.every((column) => first.includes(column));
}
