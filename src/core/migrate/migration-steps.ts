/** Takes the steps of a migration run, one after the other, on one connection. */
import type { Kysely } from 'kysely';
import { CommitOutcomeUnknownError } from '../foundation/errors/connection-errors.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { findStep, type Step, type StepContext } from './step-context.ts';
import { takeStepAlone } from './take-step-alone.ts';
import { takeStepInTransaction } from './take-step.ts';
import type { MigrationDirection } from './run-migration.ts';

/** One migration that was run. */
export interface MigrationStep {
  /** The name of the migration. */
  readonly name: string;
  /** Whether it was applied or taken back. */
  readonly direction: MigrationDirection;
  /** How long it took, in ms. */
  readonly duration: number;
}

/** What a run needs to know. */
export interface StepPlan extends StepContext {
  /** The most steps. It also ends a tug-of-war with a process that migrates the other way. */
  readonly limit: number;
  readonly onStep: (step: MigrationStep) => void;
}

/** What a run did. */
export interface StepsTaken {
  readonly steps: readonly MigrationStep[];
  /** How many migrations of the set the database has now. */
  readonly applied: number;
}

/**
 * Takes steps until the course ends or the limit is reached.
 *
 * @param connection pinned, outside of a transaction
 * @throws MigrationError where a migration fails or the history does not fit
 */
export async function takeSteps(connection: Kysely<any>, plan: StepPlan): Promise<StepsTaken> {
  const steps: MigrationStep[] = [];
  let applied = 0;
  while (steps.length < plan.limit) {
    const { before, step } = await findStep(connection, plan);
    applied = before;
    if (step === undefined) break;
    const taken = await takeStep(connection, plan, step);
    if (taken === undefined) continue;
    applied += taken.direction === 'up' ? 1 : -1;
    steps.push(taken);
    plan.onStep(taken);
  }
  return { steps, applied };
}

async function takeStep(
  connection: Kysely<any>,
  plan: StepPlan,
  step: Step,
): Promise<MigrationStep | undefined> {
  const { migration, direction } = step;
  try {
    const take = migration.transaction === false ? takeStepAlone : takeStepInTransaction;
    const start = await take(connection, plan, step);
    if (start === undefined) return undefined;
    return { name: migration.name, direction, duration: plan.clock.monotonic() - start };
  } catch (error) {
    throw failureOf(plan, step, error);
  }
}

function failureOf({ set }: StepPlan, { migration, direction }: Step, cause: unknown): unknown {
  // It says what happened already, or nobody knows.
  if (cause instanceof MigrationError || cause instanceof CommitOutcomeUnknownError) return cause;
  return new MigrationError(
    `Migration "${migration.name}" of set "${set.name}" failed on its way ${direction}; all of it was rolled back.`,
    set.name,
    migration.name,
    { cause },
  );
}
