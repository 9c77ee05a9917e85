/** Takes the steps of a migration run, one transaction each, on one connection. It does not take the lock. */
import type { Kysely, Transaction } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, type Clock } from '../foundation/clock.ts';
import { CommitOutcomeUnknownError } from '../foundation/errors/connection-errors.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import { readHistory } from './migration-history.ts';
import type { MigrationSet, NamedMigration } from './migration-set.ts';
import { runMigration, type MigrationDirection } from './run-migration.ts';

/** One migration that was run. */
export interface MigrationStep {
  /** The name of the migration. */
  readonly name: string;
  /** Whether it was applied or taken back. */
  readonly direction: MigrationDirection;
  /** How long its transaction took, in ms. */
  readonly duration: number;
}

/** Says by the number of applied migrations which way the next step leads; undefined where there is none. */
export type Course = (applied: number) => MigrationDirection | undefined;

/** What a run needs to know. */
export interface StepPlan {
  readonly set: MigrationSet;
  /** Where the record of the set lies; undefined where the engine has no schemas. */
  readonly schema: string | undefined;
  /** How migrations run on the engine at hand. */
  readonly traits: Pick<MigrationTraits, 'columns' | 'beginStep'>;
  readonly course: Course;
  /** The most steps. It also ends a tug-of-war with a process that migrates the other way. */
  readonly limit: number;
  /** The longest wait in ms for a transaction to begin. */
  readonly lockTimeout: number;
  readonly clock: Clock;
  readonly onStep: (step: MigrationStep) => void;
}

/** What a run did. */
export interface StepsTaken {
  readonly steps: readonly MigrationStep[];
  /** How many migrations of the set the database has now. */
  readonly applied: number;
}

interface Running {
  readonly migration: NamedMigration;
  readonly direction: MigrationDirection;
  readonly start: number;
}

/**
 * Takes steps until the course ends or the limit is reached.
 *
 * @param connection pinned, outside of a transaction
 * @throws MigrationError where a migration fails (it was rolled back) or the history does not fit
 */
export async function takeSteps(connection: Kysely<any>, plan: StepPlan): Promise<StepsTaken> {
  const steps: MigrationStep[] = [];
  let applied = 0;
  while (steps.length < plan.limit) {
    const taken = await takeStep(connection, plan);
    applied = taken.applied;
    if (taken.step === undefined) break;
    steps.push(taken.step);
    plan.onStep(taken.step);
  }
  return { steps, applied };
}

async function takeStep(
  connection: Kysely<any>,
  plan: StepPlan,
): Promise<{ readonly applied: number; readonly step?: MigrationStep }> {
  const { set, schema, traits, clock } = plan;
  let running: Running | undefined;
  try {
    const applied = await transact(connection, plan, async (trx) => {
      const start = clock.monotonic();
      // Read inside of the transaction: whoever held the lock before may have done the work.
      const before = (await readHistory(trx, set, schema)).length;
      const direction = plan.course(before);
      const migration = set.migrations[direction === 'up' ? before : before - 1];
      if (direction === undefined || migration === undefined) return before;
      running = { migration, direction, start };
      await traits.beginStep?.(trx);
      await runMigration(trx, { set, schema, columns: traits.columns, direction });
      return direction === 'up' ? before + 1 : before - 1;
    });
    return running === undefined ? { applied } : { applied, step: stepOf(running, clock) };
  } catch (error) {
    throw running === undefined ? error : failureOf(set, running, error);
  }
}

/**
 * Begins a transaction, again and again while somebody else holds the database: on SQLite BEGIN IMMEDIATE
 * is the migration lock, and a long migration outlasts the provider's own wait for it.
 */
async function transact<Result>(
  connection: Kysely<any>,
  { clock, lockTimeout }: StepPlan,
  work: (trx: Transaction<any>) => Promise<Result>,
): Promise<Result> {
  const nextDelay = decorrelatedJitter({ base: 5, cap: 100 });
  const deadline = clock.monotonic() + lockTimeout;
  let begun = false;
  for (;;) {
    try {
      return await connection.transaction().execute((trx) => {
        begun = true;
        return work(trx);
      });
    } catch (error) {
      if (begun || !(error instanceof DatabaseBusyError) || clock.monotonic() >= deadline) throw error;
      await sleep(clock, nextDelay());
    }
  }
}

function stepOf({ migration, direction, start }: Running, clock: Clock): MigrationStep {
  return { name: migration.name, direction, duration: clock.monotonic() - start };
}

function failureOf(set: MigrationSet, { migration, direction }: Running, cause: unknown): unknown {
  if (cause instanceof CommitOutcomeUnknownError) return cause;
  return new MigrationError(
    `Migration "${migration.name}" of set "${set.name}" failed on its way ${direction}; all of it was rolled back.`,
    set.name,
    migration.name,
    { cause },
  );
}
