/** Looks for what is broken, or was never checked, in the current schema of a Postgres database. */
import { sql, type Kysely } from 'kysely';

interface Fault {
  readonly kind: 'constraint' | 'index' | 'trigger';
  /** Both as they stand in SQL. */
  readonly name: string;
  readonly owner: string;
}

const sentences: Readonly<Record<Fault['kind'], (fault: Fault) => string>> = {
  constraint: ({ name, owner }) =>
    `Constraint ${name} of table ${owner} was never validated: rows from before it may break it. Run: alter table ${owner} validate constraint ${name}`,
  index: ({ name, owner }) =>
    `Index ${name} of table ${owner} is not valid: no query uses it. Where no CREATE INDEX CONCURRENTLY is building it, run: drop index ${name}; then make it again.`,
  trigger: ({ name, owner }) =>
    `Foreign key ${name} is not enforced, since triggers of table ${owner} are disabled. Run: alter table ${owner} enable trigger all; and look for rows that break it.`,
};

/**
 * Looks for constraints that were not validated, indexes that are not valid or not ready, and foreign keys whose
 * triggers are disabled. It reads the catalog alone, no rows. A constraint that is NOT ENFORCED is meant to be so.
 *
 * @param db a root handle, a pinned one or a transaction
 * @returns a sentence for each fault; none where all is well
 */
export async function findPostgresFaults(db: Kysely<any>): Promise<readonly string[]> {
  const { rows } = await sql<Fault>`
    with home as (select oid from pg_namespace where nspname = current_schema())
    select 'constraint' as kind, quote_ident(conname) as name, conrelid::regclass::text as owner
    from pg_constraint join home on home.oid = connamespace
    where not convalidated and conrelid <> 0 and pg_get_constraintdef(pg_constraint.oid) not like '%NOT ENFORCED'
    union all
    select 'index', indexrelid::regclass::text, indrelid::regclass::text
    from pg_index join pg_class on pg_class.oid = indexrelid join home on home.oid = relnamespace
    where not (indisvalid and indisready)
    union all
    select distinct 'trigger', quote_ident(conname), tgrelid::regclass::text
    from pg_trigger join pg_constraint on pg_constraint.oid = tgconstraint join home on home.oid = connamespace
    where tgisinternal and contype = 'f' and tgenabled = 'D'
    order by 1, 3, 2
  `.execute(db);
  return rows.map((fault) => sentences[fault.kind](fault));
}
