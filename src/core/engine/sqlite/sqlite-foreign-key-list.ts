import { sql, type Kysely } from 'kysely';
import type { ForeignKey } from '../foreign-key.ts';

/** A column of a key. */
interface KeyRow {
  readonly child: string;
  readonly parent: string;
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly action: string;
}

/** Reads the foreign keys of the main database that change rows where others are deleted, in one statement. */
export async function readSqliteForeignKeys(db: Kysely<any>): Promise<readonly ForeignKey[]> {
  // Names as their tables have them: a key may write them in other letters, and leave out the columns of a primary key.
  const { rows } = await sql<KeyRow>`
    select child.name as child, parent.name as parent, k.id as id, k.on_delete as action,
      (select name from pragma_table_info(child.name) where lower(name) = lower(k."from")) as "from",
      (select name from pragma_table_info(parent.name)
        where case when k."to" is null then pk = k.seq + 1 else lower(name) = lower(k."to") end) as "to"
    from main.sqlite_schema as child
      join pragma_foreign_key_list(child.name) as k
      join main.sqlite_schema as parent on parent.type = 'table' and lower(parent.name) = lower(k."table")
    where child.type = 'table' and k.on_delete in ('CASCADE', 'SET NULL', 'SET DEFAULT')
    order by child.name, k.id, k.seq`.execute(db);
  return [...Map.groupBy(rows, ({ child, id }) => JSON.stringify([child, id])).values()].map((key) => {
    const { child, parent, action } = key[0]!;
    const columns = key.map(({ from }) => from);
    return {
      child: { tables: namesOf(child), columns },
      parent: { tables: namesOf(parent), columns: key.map(({ to }) => to) },
      sets: action === 'CASCADE' ? undefined : { columns, to: action === 'SET NULL' ? 'null' : 'default' },
    };
  });
}

function namesOf(table: string): string[] {
  return [table, `main.${table}`];
}
