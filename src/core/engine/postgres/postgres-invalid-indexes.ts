import { sql, type Kysely } from 'kysely';

/**
 * Names the indexes of the current schema that a build which failed has left: they cost writes and serve nobody. One
 * that is being built is none of them, nor one of a partitioned table, which waits for those of its partitions.
 */
export async function findInvalidIndexes(db: Kysely<any>): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not (i.indisvalid and i.indisready) and n.nspname = current_schema() and c.relkind = 'i'
      and not exists (select 1 from pg_stat_progress_create_index p where p.index_relid = c.oid)
    order by c.relname collate "C"`.execute(db);
  return rows.map(({ name }) => name);
}

/** Drops an index while the table is read and written. Not inside of a transaction. */
export async function dropInvalidIndex(connection: Kysely<any>, name: string): Promise<void> {
  await sql`drop index concurrently if exists ${sql.id(name)}`.execute(connection);
}
