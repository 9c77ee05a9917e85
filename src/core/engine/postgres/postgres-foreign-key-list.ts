import { sql, type Kysely } from 'kysely';
import type { ForeignKey, ForeignKeyEnd, SetColumns } from '../foreign-key.ts';

/** Objects are JSON. */
interface KeyRow {
  readonly child: string;
  readonly parent: string;
  readonly sets: string | null;
}

/** Reads the foreign keys of all schemas that change rows where others are deleted, in one statement. */
export async function readPostgresForeignKeys(db: Kysely<any>): Promise<readonly ForeignKey[]> {
  // By the row as JSON: before Postgres 15 nobody could say which of the columns are written, and the column was not there.
  const { rows } = await sql<KeyRow>`
    with keys as (
      select *, to_jsonb(pg_constraint) -> 'confdelsetcols' as listed from pg_constraint
      where contype = 'f' and conparentid = 0 and confdeltype in ('c', 'n', 'd')
    )
    select ${endOf(sql`conrelid`, sql`conkey`)} as child, ${endOf(sql`confrelid`, sql`confkey`)} as parent,
      case when confdeltype <> 'c' then (
        select json_build_object(
          'columns', json_agg(attname), 'to', case confdeltype when 'n' then 'null' else 'default' end
        )::text from pg_attribute
        where attrelid = conrelid and case when jsonb_typeof(listed) = 'array' and listed <> '[]'
          then listed @> to_jsonb(attnum) else attnum = any(conkey) end
      ) end as sets
    from keys order by conrelid, conname`.execute(db);
  return rows.map(({ child, parent, sets }) => ({
    child: JSON.parse(child) as ForeignKeyEnd,
    parent: JSON.parse(parent) as ForeignKeyEnd,
    sets: sets === null ? undefined : (JSON.parse(sets) as SetColumns),
  }));
}

function endOf(table: unknown, columns: unknown) {
  return sql`(
    select json_build_object(
      'tables', case when pg_table_is_visible(pg_class.oid)
        then json_build_array(relname, nspname || '.' || relname)
        else json_build_array(nspname || '.' || relname) end,
      'columns', (
        select json_agg(attname order by place) from unnest(${columns}) with ordinality as k (number, place)
        join pg_attribute on attrelid = ${table} and attnum = number
      )
    )::text
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace where pg_class.oid = ${table}
  )`;
}
