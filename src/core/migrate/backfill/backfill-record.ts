/** The table that keeps the place of each backfill, so that it goes on where it was stopped. */
import type { Kysely } from 'kysely';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { hasTable } from '../bookkeeping.ts';
import type { BackfillDatabase, BackfillPlan } from './backfill-options.ts';

/** The name of the table; whoever looks at a schema passes over it. */
const backfillTable = 'liminal_backfills';

/** Where a backfill stands. */
export interface BackfillRecord {
  readonly definition: string;
  /** The packed key of the last row that was looked at; null before the first batch. */
  readonly position: string | null;
  readonly done: number;
  readonly changed: number;
  /** In ms since the Unix epoch; null while there are rows left. */
  readonly finished_at: number | null;
}

/** Makes the table where it is not there, and the record of this backfill in it. */
export async function ensureRecord({ db, migrations }: BackfillDatabase, plan: BackfillPlan): Promise<void> {
  const schema = await migrations.currentSchema?.(db);
  if (!(await hasTable(db, backfillTable, schema))) {
    try {
      await createTable(db, migrations);
    } catch (error) {
      // Another process was quicker, and Postgres says so by a unique index of its catalogue.
      if (!(await hasTable(db, backfillTable, schema))) throw error;
    }
  }
  const now = plan.clock.now();
  await db
    .insertInto(backfillTable)
    .values({
      name: plan.name,
      definition: plan.definition,
      done: 0,
      changed: 0,
      started_at: now,
      changed_at: now,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
}

/**
 * Reads where a backfill stands.
 *
 * @throws ValidationError where its record is of something else, or was removed
 */
export async function readRecord(db: Kysely<any>, plan: BackfillPlan): Promise<BackfillRecord> {
  const record: BackfillRecord | undefined = await db
    .selectFrom(backfillTable)
    .select(['definition', 'position', 'done', 'changed', 'finished_at'])
    .where('name', '=', plan.name)
    .executeTakeFirst();
  return checkRecord(record, plan);
}

/**
 * The same, and keeps other processes from the record until the transaction ends: two of them take turns.
 *
 * @throws ValidationError where its record is of something else, or was removed
 */
export async function takeRecord(tx: Kysely<any>, plan: BackfillPlan): Promise<BackfillRecord> {
  const record: BackfillRecord | undefined = await tx
    .updateTable(backfillTable)
    .set({ changed_at: plan.clock.now() })
    .where('name', '=', plan.name)
    .returning(['definition', 'position', 'done', 'changed', 'finished_at'])
    .executeTakeFirst();
  return checkRecord(record, plan);
}

/** Writes where the backfill stands now. */
export async function writeRecord(
  tx: Kysely<any>,
  plan: BackfillPlan,
  record: BackfillRecord,
): Promise<BackfillRecord> {
  await tx.updateTable(backfillTable).set(record).where('name', '=', plan.name).execute();
  return record;
}

function checkRecord(record: BackfillRecord | undefined, plan: BackfillPlan): BackfillRecord {
  if (record?.definition === plan.definition) return record;
  throw new ValidationError([
    {
      path: ['name'],
      message:
        record === undefined
          ? `the record of backfill "${plan.name}" was removed while it ran`
          : `backfill "${plan.name}" was begun with another table, key, set or where: give this one another name`,
    },
  ]);
}

async function createTable(db: Kysely<any>, { columns }: BackfillDatabase['migrations']): Promise<void> {
  const t = columns.table(backfillTable);
  await db.schema
    .createTable(backfillTable)
    .ifNotExists()
    .addColumn('name', t.text('name'), (column) => column.notNull().primaryKey())
    .addColumn('definition', t.text('definition'), (column) => column.notNull())
    .addColumn('position', t.text('position'))
    .addColumn('done', t.integer('done'), (column) => column.notNull())
    .addColumn('changed', t.integer('changed'), (column) => column.notNull())
    .addColumn('started_at', t.epochMillis('started_at'), (column) => column.notNull())
    .addColumn('changed_at', t.epochMillis('changed_at'), (column) => column.notNull())
    .addColumn('finished_at', t.epochMillis('finished_at'))
    .modifyEnd(t.end)
    .execute();
}
