import { sql, type RawBuilder } from 'kysely';

/**
 * One statement that reads the whole current schema: a row an item, in one snapshot of the database. A part names
 * its owner by oid. What an extension owns is left out, and so is what comes with something else: the index of a
 * constraint, the sequence and the row type of a table. Partitions are where rows lie, and many make them by the
 * month: they and what hangs on them are left out as well.
 *
 * Facts that are null are as by default. The texts are the server's own (`pg_get_…def`), which has one form for
 * all that means the same; the names of the schema itself are cut off, so that two schemas can be compared.
 */
export const schemaQuery: RawBuilder<SchemaRow> = sql<SchemaRow>`
  with
    home as (select oid, quote_ident(nspname) as name from pg_namespace where nspname = current_schema()),
    extras as (select classid, objid from pg_depend where deptype = 'e'),
    relations as (
      select c.*, home.name as schema from pg_class c join home on home.oid = c.relnamespace
      where not exists (select from extras where classid = 'pg_class'::regclass and objid = c.oid)
    ),
    tables as (select * from relations where relkind in ('r', 'p', 'f') and not relispartition),
    types as (
      select t.* from pg_type t join home on home.oid = t.typnamespace
      where not exists (select from extras where classid = 'pg_type'::regclass and objid = t.oid)
    ),
    functions as (
      select p.*, home.name as schema from pg_proc p join home on home.oid = p.pronamespace
      where not exists (select from extras where classid = 'pg_proc'::regclass and objid = p.oid)
        and not exists (
          select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
        )
    )

  select oid::text as id, null as owner, case relkind when 'f' then 'foreign table' else 'table' end as kind,
    relname::text as name, json_build_object(
      'partitioned', case when relkind = 'p' then pg_get_partkeydef(oid) end,
      'inherits', (select string_agg(inhparent::regclass::text, ', ' order by inhseqno)
        from pg_inherits where inhrelid = tables.oid),
      'unlogged', case relpersistence when 'u' then 'yes' end,
      'row security', case when relforcerowsecurity then 'forced' when relrowsecurity then 'yes' end,
      'options', array_to_string(reloptions, ', ')
    )::text as facts
  from tables

  union all
  select null, attrelid::text, 'column', attname::text, json_build_object(
      'type', format_type(atttypid, atttypmod),
      'null', case when attnotnull then 'no' end,
      'default', case when attgenerated = '' then pg_get_expr(adbin, adrelid) end,
      'generated', case when attgenerated <> '' then pg_get_expr(adbin, adrelid)
        || case attgenerated when 's' then ' stored' else '' end end,
      'identity', case attidentity when 'a' then 'always' when 'd' then 'by default' end,
      'collation', (select case when collnamespace = 'pg_catalog'::regnamespace then quote_ident(collname)
          else pg_collation.oid::regcollation::text end
        from pg_collation where pg_collation.oid = attcollation and attcollation <> typcollation)
    )::text
  from pg_attribute
    join relations on relations.oid = attrelid and relkind in ('r', 'p', 'f', 'c')
    join pg_type on pg_type.oid = atttypid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attnum > 0 and not attisdropped

  union all
  select null, case when conrelid = 0 then 'type ' || contypid else conrelid::text end,
    case contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
      when 'c' then 'check' when 'x' then 'exclusion' end,
    conname::text, json_build_object('definition',
      regexp_replace(pg_get_constraintdef(pg_constraint.oid), '^(PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK|EXCLUDE) ', '')
    )::text
  from pg_constraint join home on home.oid = connamespace
  where contype in ('p', 'u', 'f', 'c', 'x') and conparentid = 0

  union all
  select null, indrelid::text, 'index', relname::text, json_build_object(
      'unique', case when indisunique then 'yes' end,
      'valid', case when not (indisvalid and indisready) then 'no' end,
      'definition', substr(pg_get_indexdef(indexrelid), 1 + length(
        'CREATE ' || case when indisunique then 'UNIQUE ' else '' end || 'INDEX ' || quote_ident(relname) || ' ON '
        || (select case relkind when 'p' then 'ONLY ' else '' end || relations.schema || '.' || quote_ident(relname)
          from pg_class where oid = indrelid)
        || ' USING '))
    )::text
  from pg_index join relations on relations.oid = indexrelid
  where not exists (
    select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x')
  )

  union all
  select null, tgrelid::text, 'trigger', tgname::text, json_build_object(
      'enabled', case tgenabled when 'D' then 'no' when 'R' then 'replica' when 'A' then 'always' end,
      'definition', pg_get_triggerdef(pg_trigger.oid, true)
    )::text
  from pg_trigger join relations on relations.oid = tgrelid
  where not tgisinternal

  union all
  select null, polrelid::text, 'policy', polname::text, json_build_object(
      'for', case polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' end,
      'restrictive', case when not polpermissive then 'yes' end,
      'to', (select string_agg(quote_ident(rolname), ', ' order by rolname) from pg_roles
        where pg_roles.oid = any (polroles)),
      'using', pg_get_expr(polqual, polrelid),
      'with check', pg_get_expr(polwithcheck, polrelid)
    )::text
  from pg_policy join relations on relations.oid = polrelid

  union all
  select null, ev_class::text, 'rule', rulename::text,
    json_build_object('definition', pg_get_ruledef(pg_rewrite.oid, true))::text
  from pg_rewrite join relations on relations.oid = ev_class
  where rulename <> '_RETURN'

  union all
  select oid::text, null, case relkind when 'm' then 'materialized view' else 'view' end, relname::text,
    json_build_object(
      'definition', pg_get_viewdef(oid),
      'options', array_to_string(reloptions, ', ')
    )::text
  from relations where relkind in ('v', 'm')

  union all
  select null, null, 'sequence', relname::text, json_build_object(
      'type', format_type(seqtypid, null),
      'range', 'from ' || seqmin || ' to ' || seqmax || ', start ' || seqstart || ', by ' || seqincrement,
      'cache', nullif(seqcache, 1)::text,
      'cycle', case when seqcycle then 'yes' end
    )::text
  from relations join pg_sequence on seqrelid = relations.oid
  where not exists (
    select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = relations.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
  )

  union all
  select 'type ' || oid, null, case typtype when 'e' then 'enum' when 'd' then 'domain' else 'range type' end, typname::text,
    json_build_object(
      'values', (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
        from pg_enum where enumtypid = types.oid),
      'type', case when typtype = 'd' then format_type(typbasetype, typtypmod) end,
      'null', case when typtype = 'd' and typnotnull then 'no' end,
      'default', case when typtype = 'd' then typdefault end,
      'of', (select format_type(rngsubtype, null) from pg_range where rngtypid = types.oid)
    )::text
  from types where typtype in ('e', 'd', 'r')

  union all
  select oid::text, null, 'composite type', relname::text, '{}'
  from relations where relkind = 'c'

  union all
  select null, null, case prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    proname || '(' || pg_get_function_identity_arguments(oid) || ')',
    json_build_object(
      'definition', case when prokind <> 'a' then substr(pg_get_functiondef(oid), 1 + length(
        'CREATE OR REPLACE ' || case prokind when 'p' then 'PROCEDURE ' else 'FUNCTION ' end
        || schema || '.' || quote_ident(proname))) end,
      'returns', case when prokind = 'a' then pg_get_function_result(oid) end,
      'steps', (select concat_ws(', ', aggtransfn::regproc, aggfinalfn::regproc, aggcombinefn::regproc, agginitval)
        from pg_aggregate where aggfnoid = functions.oid)
    )::text
  from functions
`;

/** One item, or a part of one. */
export interface SchemaRow {
  /** The oid of what may have parts, of a type with a word before it: an oid is unique in its catalog alone. */
  readonly id: string | null;
  /** The id of what it is a part of. */
  readonly owner: string | null;
  readonly kind: string;
  readonly name: string;
  /** An object in JSON. */
  readonly facts: string;
}
