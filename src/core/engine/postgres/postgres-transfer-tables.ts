import { sql, type Kysely } from 'kysely';
import { isBookkeepingTable } from '../bookkeeping-tables.ts';
import type { TransferKind, TransferReference, TransferTable } from '../transfer-table.ts';

interface Row {
  readonly name: string;
  readonly columns: string;
  readonly key: string;
  readonly references: string;
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
}

const kinds: Readonly<Record<string, TransferKind>> = {
  uuid: 'uuid',
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  float4: 'real',
  float8: 'real',
  bool: 'boolean',
  json: 'json',
  jsonb: 'json',
  bytea: 'blob',
};

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  int2: [-32_768, 32_767],
  int4: [-2_147_483_648, 2_147_483_647],
};

/** Reads the tables of the current schema, in one statement. Partitions are where rows lie, and no tables here. */
export async function readPostgresTables(db: Kysely<any>): Promise<readonly TransferTable[]> {
  const { rows } = await sql<Row>`
    with tables as (
      select c.oid, c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition
        and not exists (
          select from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e'
        )
    )
    select name,
      coalesce((select json_agg(json_build_object('name', attname, 'required', attnotnull,
          'type', coalesce(base.typname, own.typname)) order by attnum)
        from pg_attribute join pg_type own on own.oid = atttypid
          left join pg_type base on base.oid = own.typbasetype
        where attrelid = tables.oid and attnum > 0 and not attisdropped and attgenerated = ''), '[]')::text as columns,
      coalesce((select json_agg(attname order by place)
        from pg_constraint, unnest(conkey) with ordinality as part (number, place)
          join pg_attribute on attnum = number and attrelid = tables.oid
        where conrelid = tables.oid and contype = 'p'), '[]')::text as key,
      coalesce((select json_agg(json_build_object('parent', parent.relname,
          'columns', (select json_agg(attname order by place) from unnest(conkey) with ordinality as part (number, place)
            join pg_attribute on attnum = number and attrelid = conrelid),
          'parentColumns', (select json_agg(attname order by place) from unnest(confkey) with ordinality as part (number, place)
            join pg_attribute on attnum = number and attrelid = confrelid)) order by conname)
        from pg_constraint join pg_class parent on parent.oid = confrelid
        where conrelid = tables.oid and contype = 'f' and conparentid = 0), '[]')::text as references
    from tables order by name
  `.execute(db);
  const names = new Set(rows.map(({ name }) => name));
  return rows
    .filter(({ name }) => !isBookkeepingTable(name, names))
    .map(({ name, columns, key, references }) => ({
      name,
      columns: (JSON.parse(columns) as ColumnRow[]).map((column) => ({
        name: column.name,
        kind: kinds[column.type] ?? 'other',
        nullable: !column.required,
        range: ranges[column.type],
      })),
      key: JSON.parse(key) as string[],
      references: JSON.parse(references) as TransferReference[],
    }));
}
