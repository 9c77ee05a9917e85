import { sql } from 'kysely';
import type { BackfillTraits } from '../backfill-traits.ts';

/** How a backfill walks along the keys of a Postgres table. */
export const postgresBackfill: BackfillTraits = {
  packKey: (columns) =>
    sql`cast(json_build_object(${sql.join(
      columns.flatMap((column) => [sql.lit(column), sql.id(column)]),
    )}) as text)`,

  unpackKey: (table, columns, packed) =>
    columns.map(
      (column) =>
        sql`(select ${sql.id(column)} from json_populate_record(cast(null as ${sql.table(table)}), cast(${packed} as json)))`,
    ),

  async estimateRows(db, table) {
    // The planner's guess: right for a table that was never analysed, and for one in partitions.
    const { rows } = await sql<
      Record<string, unknown>
    >`explain (format json) select 1 from ${sql.table(table)}`.execute(db);
    const plan = rows[0]?.['QUERY PLAN'];
    const [first] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as [
      { Plan?: { 'Plan Rows'?: number } },
    ];
    return first.Plan?.['Plan Rows'];
  },

  async beginBatch(trx) {
    // Half of what the server waits before it looks for a deadlock: where a batch and an application wait for each
    // other, the batch gives way, and the application is not the one that is ended.
    await sql`select set_config('lock_timeout', cast(greatest(1, least(200, floor(
      extract(epoch from cast(current_setting('deadlock_timeout') as interval)) * 500))) as text), true)`.execute(
      trx,
    );
  },
};
