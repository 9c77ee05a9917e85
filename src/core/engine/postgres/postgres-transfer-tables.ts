import { sql, type Kysely } from 'kysely';
import { isBookkeepingTable } from '../bookkeeping-tables.ts';
import type { TransferColumn, TransferKind, TransferReference, TransferTable } from '../transfer-table.ts';

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
  /** How many digits behind the point a number of the type NUMERIC keeps, where that is said. */
  readonly scale: number | null;
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
  numeric: 'decimal',
  bool: 'boolean',
  json: 'json',
  jsonb: 'json',
  bytea: 'blob',
};

const ranges: Readonly<Record<string, readonly [number, number]>> = {
  int2: [-32_768, 32_767],
  int4: [-2_147_483_648, 2_147_483_647],
};

/**
 * Reads the tables of the current schema, in one statement. Partitions are where rows lie, and no tables here; a reference
 * to a table of another schema is none to one that is copied.
 */
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
          'type', coalesce(base.typname, own.typname), 'scale', information_schema._pg_numeric_scale(
            coalesce(base.oid, own.oid), case when base.oid is null then atttypmod else own.typtypmod end)) order by attnum)
        from pg_attribute join pg_type own on own.oid = atttypid
          left join pg_type base on base.oid = own.typbasetype
        where attrelid = tables.oid and attnum > 0 and not attisdropped and attgenerated = ''), '[]')::text as columns,
      coalesce((select json_agg(attname order by place)
        from pg_constraint, unnest(conkey) with ordinality as part (number, place)
          join pg_attribute on attnum = number and attrelid = tables.oid
        where conrelid = tables.oid and contype = 'p'), '[]')::text as key,
      coalesce((select json_agg(json_build_object('parent', parent.relname, 'isWhole', confmatchtype = 'f',
          'columns', (select json_agg(attname order by place) from unnest(conkey) with ordinality as part (number, place)
            join pg_attribute on attnum = number and attrelid = conrelid),
          'parentColumns', (select json_agg(attname order by place) from unnest(confkey) with ordinality as part (number, place)
            join pg_attribute on attnum = number and attrelid = confrelid)) order by conname)
        from pg_constraint join pg_class parent on parent.oid = confrelid
          join pg_namespace home on home.oid = parent.relnamespace and home.nspname = current_schema()
        where conrelid = tables.oid and contype = 'f' and conparentid = 0), '[]')::text as references
    from tables order by name
  `.execute(db);
  const names = new Set(rows.map(({ name }) => name));
  return rows
    .filter(({ name }) => !isBookkeepingTable(name, names))
    .map((row) => {
      const columns = (JSON.parse(row.columns) as ColumnRow[]).map(toColumn);
      const key = JSON.parse(row.key) as string[];
      const references = JSON.parse(row.references) as TransferReference[];
      return { name: row.name, columns, key, walk: walkOf(key, columns), references };
    });
}

/** Reads the names of all tables of the current schema. */
export async function readPostgresNames(db: Kysely<any>): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`
    select relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p')`.execute(db);
  return new Set(rows.map(({ name }) => name));
}

function toColumn({ name, type, required, scale }: ColumnRow): TransferColumn {
  const rounding = type === 'float4' ? 'single' : (scale ?? undefined);
  return { name, kind: kinds[type] ?? 'other', nullable: !required, range: ranges[type], rounding };
}

/** Of what else a key may hold a cursor reads all rows: a server holds it. */
function walkOf(key: readonly string[], columns: readonly TransferColumn[]): TransferTable['walk'] {
  const parts = key.map((name) => columns.find((column) => column.name === name));
  const areFit = parts.every((part) => part !== undefined && ['uuid', 'text', 'integer'].includes(part.kind));
  return areFit ? parts.map((part) => part!) : [];
}
