/** One batch of a backfill: the next rows and the place behind them, in one transaction. */
import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { BackfillTraits } from '../../engine/backfill-traits.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import type { BackfillPlan } from './backfill-options.ts';
import { takeRecord, writeRecord, type BackfillRecord } from './backfill-record.ts';

/** What a batch did. */
export interface BatchOutcome {
  /** Where the backfill stands now. */
  readonly record: BackfillRecord;
  /** Rows that this batch looked at. */
  readonly rows: number;
}

/**
 * Runs the next batch.
 *
 * The rows between two keys are changed, and not a list of rows: what another transaction makes of a row while
 * this one waits for it is seen, and so is a row that comes in between.
 *
 * @param tx the transaction
 * @param size the most rows
 */
export async function runBatch(
  tx: Kysely<any>,
  plan: BackfillPlan,
  traits: BackfillTraits,
  size: number,
): Promise<BatchOutcome> {
  await traits.beginBatch?.(tx);
  const before = await takeRecord(tx, plan);
  if (before.finished_at !== null) return { record: before, rows: 0 };
  const page = await findPage(tx, plan, traits, before.position, size);
  if (page === undefined) {
    return {
      record: await writeRecord(tx, plan, { ...before, finished_at: plan.clock.now() }),
      rows: 0,
    };
  }
  const { numAffectedRows = 0n } = await sql`update ${sql.table(plan.table)} set ${plan.set}
    where ${behind(plan, traits, before.position)} and ${upTo(plan, traits, page.position)} and (${plan.where})`.execute(
    tx,
  );
  const record = await writeRecord(tx, plan, {
    ...before,
    position: page.position,
    done: before.done + page.rows,
    changed: before.changed + Number(numAffectedRows),
  });
  return { record, rows: page.rows };
}

/**
 * The place behind the next rows, and how many they are: more than a page where its last key is that of several rows;
 * undefined where there is none.
 *
 * @throws ValidationError where the place, as it is kept, is not behind the rows of the page
 */
async function findPage(
  tx: Kysely<any>,
  plan: BackfillPlan,
  traits: BackfillTraits,
  position: string | null,
  size: number,
): Promise<{ readonly position: string; readonly rows: number } | undefined> {
  const columns = plan.key.map((column) => sql.id(column));
  const descending = columns.map((column) => sql`${column} desc`);
  const [table, left] = [sql.table(plan.table), behind(plan, traits, position)];
  // One statement, so that a row which somebody deletes meanwhile is counted in both or in neither.
  const { rows } = await sql<{ position: string; rows: number; least: number }>`
    with liminal_page as (
      select ${sql.join(columns)} from ${table} where ${left}
      order by ${sql.join(columns)} limit ${sql.lit(size)}
    ), liminal_end as (
      select ${traits.packKey(plan.key)} as "position" from liminal_page order by ${sql.join(descending)} limit 1
    )
    select liminal_end."position", (select count(*) from liminal_page) as "least",
      (select count(*) from ${table} where ${left} and ${upTo(plan, traits, keptPosition)}) as "rows"
    from liminal_end`.execute(tx);
  const [page] = rows;
  if (page !== undefined && page.rows < page.least) {
    throw new ValidationError([
      {
        path: ['key'],
        message: `table "${plan.table}" has a key that cannot be kept as JSON: walk along integers or texts`,
      },
    ]);
  }
  return page;
}

const keptPosition = sql<string>`liminal_end."position"`;

function upTo(
  plan: BackfillPlan,
  traits: BackfillTraits,
  position: string | RawBuilder<string>,
): RawBuilder<SqlBool> {
  const columns = tupleOf(plan.key.map((column) => sql.id(column)));
  return sql`${columns} <= ${tupleOf(traits.unpackKey(plan.table, plan.key, position))}`;
}

function behind(plan: BackfillPlan, traits: BackfillTraits, position: string | null): RawBuilder<SqlBool> {
  if (position === null) return sql`1 = 1`;
  const columns = tupleOf(plan.key.map((column) => sql.id(column)));
  return sql`${columns} > ${tupleOf(traits.unpackKey(plan.table, plan.key, position))}`;
}

function tupleOf(members: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return members.length === 1 ? sql`${members[0]}` : sql`(${sql.join(members)})`;
}
