import { sql, type RawBuilder } from 'kysely';
import type { RelationFact } from '../relation-fact.ts';

/** The types in which different texts are different values, but for case, white space at the ends, and forms of numbers and UUIDs. */
const plainTypes = '{text, varchar, bpchar, uuid, int2, int4, int8}';

/**
 * One statement that reads how the tables of all schemas hang together, but for those of the server itself. Triggers
 * that are switched off count as well: switching one on makes no noise.
 */
export const postgresRelations: RawBuilder<RelationFact> = sql<RelationFact>`
  with relations as (
    select c.oid, c.relname::text as name, c.relkind from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'f', 'v', 'm')
      and n.nspname <> 'information_schema' and n.nspname not in ('pg_catalog', 'pg_toast')
  )
  select 'table' as kind, name as subject, null as other, null as referred,
    0 as follows_delete, 0 as follows_update
  from relations where relkind in ('r', 'p', 'f')
  union all
  select 'trigger', name, null, null, 0, 0 from relations where relkind in ('v', 'm')
  union all
  select 'trigger', name, null, null, 0, 0 from relations
  where exists (select from pg_trigger where tgrelid = relations.oid and not tgisinternal)
    or exists (select from pg_rewrite where ev_class = relations.oid and rulename <> '_RETURN')
  union all
  select 'kin', parents.name, children.name, null, 0, 0
  from pg_inherits
  join relations as parents on parents.oid = inhparent
  join relations as children on children.oid = inhrelid
  union all
  select 'reference', parents.name, children.name, attname::text,
    case when confdeltype in ('c', 'n', 'd') then 1 else 0 end,
    case when confupdtype in ('c', 'n', 'd') then 1 else 0 end
  from pg_constraint
  join relations as parents on parents.oid = confrelid
  join relations as children on children.oid = conrelid
  join pg_attribute on attrelid = confrelid and attnum = any (confkey)
  where contype = 'f'
  union all
  select 'computed', name, null, null, 0, 0 from relations
  where exists (select from pg_attribute where attrelid = relations.oid and attgenerated <> '')
  union all
  select 'blurred', name, null, attname::text, 0, 0
  from relations
  join pg_attribute on attrelid = relations.oid and attnum > 0 and not attisdropped
  join pg_type on pg_type.oid = atttypid
  left join pg_collation on pg_collation.oid = attcollation
  where not coalesce(collisdeterministic, true)
    or not (typtype = 'e' or coalesce(nullif(typbasetype, 0), pg_type.oid) = any (${sql.lit(plainTypes)}::regtype[]))
  union all
  select 'blurred', name, null, null, 0, 0 from relations
  where exists (
    select from pg_attribute where attrelid = relations.oid and not attisdropped
    group by lower(attname) having count(*) > 1
  )
`;
