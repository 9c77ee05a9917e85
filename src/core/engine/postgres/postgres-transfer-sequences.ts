/** The sequences that give columns their values: how far they are, and how they go on behind copied rows. */
import { quoteName } from '../orphan-condition.ts';
import type { LastKey } from '../transfer-traits.ts';
import type { PostgresTransferClient } from './postgres-transfer-client.ts';

interface Sequence {
  readonly table: string;
  readonly column: string;
  /** As it stands in SQL. */
  readonly sequence: string;
  /** Whether the column holds the numbers themselves, and not a text, say, that is made out of them. */
  readonly isCounted: boolean;
}

/** Reads what the sequences of columns have given out last. One that was told where to begin counts as well. */
export async function readSequences(client: PostgresTransferClient): Promise<readonly LastKey[]> {
  const keys: LastKey[] = [];
  for (const { table, column, sequence } of await findSequences(client)) {
    const [row] = await client.query<{ last: string | null }>(
      `select case when is_called then last_value when last_value <> seqstart then last_value - seqincrement end as last
       from ${sequence}, pg_sequence where seqrelid = $1::regclass`,
      [sequence],
    );
    if (row?.last != null) keys.push({ table, column, last: Number(row.last) });
  }
  return keys;
}

/**
 * Lets sequences go on behind the last key of the rows and of the source: the largest, or the smallest of one that
 * counts down. Keys that a sequence never comes to are none of its own.
 */
export async function moveSequences(client: PostgresTransferClient, keys: readonly LastKey[]): Promise<void> {
  for (const { table, column, sequence, isCounted } of await findSequences(client)) {
    const last = keys.find((key) => key.table === table && key.column === column)?.last ?? null;
    const lastOfRows = (choose: 'max' | 'min') =>
      isCounted
        ? `(select ${choose}(${quoteName(column)})::bigint from ${quoteName(table)} where ${quoteName(column)} between seqmin and seqmax)`
        : 'null';
    await client.query(
      `select setval($1::regclass, greatest(seqmin, least(seqmax, last))) from (
         select seqmin, seqmax, seqincrement, case when seqincrement > 0
           then greatest(${lastOfRows('max')}, $2::bigint) else least(${lastOfRows('min')}, $2::bigint) end as last
         from pg_sequence where seqrelid = $1::regclass
       ) as keys where case when seqincrement > 0 then last >= seqmin else last <= seqmax end`,
      [sequence, last],
    );
  }
}

/** Finds the sequences that belong to columns. */
function findSequences(client: PostgresTransferClient): Promise<readonly Sequence[]> {
  return client.query(`
    select t.relname as table, a.attname as column, s.oid::regclass::text as sequence,
      a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) as "isCounted"
    from pg_class s join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = s.oid
      and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    join pg_class t on t.oid = d.refobjid join pg_namespace n on n.oid = t.relnamespace
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
    where s.relkind = 'S' and n.nspname = current_schema() order by 1, 2`);
}
