/** Runs migrations in one transaction that is always rolled back, and tells what they sent. */
import { sql, type Kysely, type Transaction } from 'kysely';
import type { MigrationTraits } from '../../engine/migration-traits.ts';
import type { StatementWitness } from '../../engine/statement-assessment.ts';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { MigrationError } from '../../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import type { NamedMigration } from '../migration-set.ts';
import type { MigrationDirection } from '../run-migration.ts';
import type { MigrationPlan, PlannedMigration } from './migration-plan.ts';
import { PlanRecorder } from './plan-recorder.ts';
import { PlanScenery } from './plan-scenery.ts';
import { makePlainHandle, makeRecordingHandle } from './recording-handle.ts';
import { findStaleReviews, reviewStatements } from './review-statements.ts';

/** One migration that is to be planned. */
export interface PlanStep {
  /** The name of its set. */
  readonly set: string;
  readonly migration: NamedMigration;
  readonly direction: MigrationDirection;
}

/** What a plan needs to know. */
export interface PlanOptions {
  /** What would run, in its order. */
  readonly steps: readonly PlanStep[];
  /** How migrations run on the engine at hand. */
  readonly traits: Pick<MigrationTraits, 'columns' | 'plan' | 'refuse' | 'foreignKeys'>;
  /** Where tables lie that are made without a schema; undefined where the engine has none. */
  readonly schema: string | undefined;
  /** The longest wait for a lock, in ms from 1; 2,000 by default. Others queue behind a wait on Postgres. */
  readonly lockTimeout?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

interface Planning extends PlanOptions {
  readonly trx: Transaction<any>;
  readonly scenery: PlanScenery;
  readonly witness: StatementWitness | undefined;
  readonly clock: Clock;
}

const defaultLockTimeout = 2_000;

/** Ends the plan's transaction: whoever throws is rolled back. */
class PlanIsOver extends Error {
  readonly plan: MigrationPlan;

  constructor(plan: MigrationPlan) {
    super('the plan is made');
    this.plan = plan;
  }
}

/**
 * Runs migrations for show: in one transaction that is always rolled back, one after the other, so that each finds
 * what those before it made. It does their work, and holds their locks until it ends. It reads and writes no record.
 *
 * @param connection a handle that is pinned to one connection and in no transaction
 * @param options what is planned, and how
 * @returns each migration with its statements; a migration that fails is told with its error, and ends the plan
 * @throws MigrationError where a lock is not granted within `lockTimeout`
 * @throws ConnectionError where the connection is lost; the database has rolled back then
 */
export async function planMigrations(connection: Kysely<any>, options: PlanOptions): Promise<MigrationPlan> {
  const { steps, traits } = options;
  const foreignKeys = steps.some(({ migration }) => migration.foreignKeys === 'off')
    ? traits.foreignKeys
    : undefined;
  await foreignKeys?.set(connection, false);
  try {
    return await connection.transaction().execute(async (trx) => {
      throw new PlanIsOver(await makePlan(trx, options));
    });
  } catch (error) {
    if (error instanceof PlanIsOver) return error.plan;
    throw error instanceof DatabaseBusyError ? busyError(error, steps[0]) : error;
  } finally {
    await foreignKeys?.set(connection, true);
  }
}

async function makePlan(trx: Transaction<any>, options: PlanOptions): Promise<MigrationPlan> {
  const { schema, traits, steps, lockTimeout = defaultLockTimeout, clock = systemClock } = options;
  const tables = await trx.introspection.getTables({ withInternalKyselyTables: true });
  const names = tables.map((table) =>
    table.schema === undefined || table.schema === schema ? table.name : `${table.schema}.${table.name}`,
  );
  const scenery = new PlanScenery(schema, names);
  const witness = await traits.plan?.begin?.(trx, lockTimeout);
  const planning: Planning = { ...options, trx, scenery, witness, clock };
  const migrations: PlannedMigration[] = [];
  for (const step of steps) {
    const planned = await planStep(step, planning);
    migrations.push(planned);
    if (planned.error !== undefined) break;
  }
  const dangers = migrations
    .flatMap(({ statements }) => statements.flatMap((statement) => statement.dangers))
    .filter(({ reviewed }) => reviewed === undefined).length;
  return { migrations, dangers, error: migrations.at(-1)?.error };
}

async function planStep(step: PlanStep, planning: Planning): Promise<PlannedMigration> {
  const { set, migration, direction } = step;
  const { traits, scenery, witness, clock, trx } = planning;
  const inTransaction = migration.transaction !== false;
  scenery.begin(inTransaction);
  const recorder: PlanRecorder = new PlanRecorder({
    traits,
    scenery,
    witness,
    inTransaction,
    clock,
    openHandle: (connection) => makePlainHandle(trx, recorder, connection),
  });
  const handle = makeRecordingHandle(trx, recorder, inTransaction);
  const failure = await failureOf(async () => {
    const run = migration[direction];
    if (run === undefined) throw new Error(`It is irreversible: ${migration.irreversible}`);
    await run(handle, traits.columns);
    await recorder.settle();
    // A statement that failed fails the migration, also where nobody heard of it.
    await sql`select 1`.execute(trx);
  });
  await recorder.settle();
  const isWhole = failure === undefined;
  return {
    set,
    name: migration.name,
    direction,
    transaction: inTransaction,
    statements: reviewStatements(recorder.statements, migration),
    stale: findStaleReviews(recorder.statements, migration, { direction, isWhole }),
    error: failure === undefined ? undefined : errorOf(step, failure.error),
  };
}

/** A migration may throw undefined. */
async function failureOf(work: () => Promise<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

function errorOf(step: PlanStep, cause: unknown): MigrationError {
  const busy = [cause, cause instanceof LiminalDataError ? cause.cause : undefined].find(
    (error) => error instanceof DatabaseBusyError,
  );
  if (busy !== undefined) throw busyError(busy, step);
  const { set, migration, direction } = step;
  return new MigrationError(
    `Migration "${migration.name}" of set "${set}" fails on its way ${direction}; the plan ends here.`,
    set,
    migration.name,
    { cause },
  );
}

function busyError(cause: DatabaseBusyError, step: PlanStep | undefined): MigrationError {
  return new MigrationError(
    `The plan was to be made, but somebody else holds a lock that it needs${step === undefined ? '' : ` at migration "${step.migration.name}" of set "${step.set}"`}. Nothing was changed. Try again when the other transaction has ended, or plan on a copy of the database.`,
    step?.set ?? '',
    step?.migration.name,
    { cause },
  );
}
