import { sql, type RawBuilder } from 'kysely';
import type { RelationFact } from '../relation-fact.ts';

/**
 * One statement that reads how tables hang together. Triggers of the connection's own, which are temporary, count. What a
 * constraint does about a conflict no PRAGMA tells: each table whose text has the word counts.
 */
export const sqliteRelations: RawBuilder<RelationFact> = sql<RelationFact>`
  select 'table' as kind, name as subject, null as other, null as referred, 0 as follows_delete, 0 as follows_update
  from sqlite_schema where type = 'table'
  union all
  select 'trigger', tbl_name, null, null, 0, 0 from sqlite_schema where type = 'trigger'
  union all
  select 'trigger', tbl_name, null, null, 0, 0 from sqlite_temp_schema where type = 'trigger'
  union all
  select 'trigger', name, null, null, 0, 0 from sqlite_schema where type = 'view'
  union all
  select 'reference', keys."table", children.name, coalesce(
      keys."to", (select name from pragma_table_info(keys."table") where pk = keys.seq + 1)
    ),
    keys.on_delete not in ('NO ACTION', 'RESTRICT'), keys.on_update not in ('NO ACTION', 'RESTRICT')
  from sqlite_schema as children, pragma_foreign_key_list(children.name) as keys
  where children.type = 'table'
  union all
  select 'replacing', name, null, null, 0, 0 from sqlite_schema where type = 'table' and sql like '%replace%'
  union all
  select 'computed', tables.name, null, null, 0, 0
  from sqlite_schema as tables, pragma_table_xinfo(tables.name) as columns
  where tables.type = 'table' and tables.sql not like 'create virtual%' and columns.hidden in (2, 3)
`;
