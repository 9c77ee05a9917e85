/** What all steps of a run have in common: where they are, which one comes next, and how their transactions begin. */
import type { Kysely, Transaction } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, type Clock } from '../foundation/clock.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import { readHistory } from './migration-history.ts';
import { nextStep, requireReversible, type Course, type PlannedStep } from './migration-path.ts';
import { readRecords } from './migration-record.ts';
import type { MigrationSet } from './migration-set.ts';

/** What a step needs to know. */
export interface StepContext {
  readonly set: MigrationSet;
  /** Where the records lie; undefined where the engine has no schemas. */
  readonly schema: string | undefined;
  /** How migrations run on the engine at hand. */
  readonly traits: MigrationTraits;
  readonly course: Course;
  /** Who runs: another one for each run. */
  readonly owner: string;
  /** The longest wait in ms for the lock of the migrations. */
  readonly lockTimeout: number;
  readonly clock: Clock;
}

/** A step that is about to be taken, from where the history was seen. */
export interface Step extends PlannedStep {
  /** How many migrations of the set were applied before it. */
  readonly before: number;
}

/**
 * Finds the next step. It takes no lock: whoever takes the step looks again.
 *
 * @throws MigrationError where the history does not fit, or the step cannot be taken back
 */
export async function findStep(
  db: Kysely<any>,
  { set, schema, course }: StepContext,
): Promise<{ readonly before: number; readonly step: Step | undefined }> {
  const before = (await readHistory(db, set, schema)).length;
  const planned = nextStep(set, course, before);
  if (planned === undefined) return { before, step: undefined };
  if (planned.direction === 'up') await requireNoneHalfDown(db, { set, schema });
  requireReversible(set, planned);
  return { before, step: { ...planned, before } };
}

/** Going up over a migration that is half taken back would build on what is not there. */
async function requireNoneHalfDown(
  db: Kysely<any>,
  { set, schema }: Pick<StepContext, 'set' | 'schema'>,
): Promise<void> {
  for (const [name, { beginning }] of await readRecords(db, { set: set.name, schema })) {
    if (beginning?.direction !== 'down') continue;
    throw new MigrationError(
      `Migration "${name}" of set "${set.name}" has broken off on its way down. Take it back to its end first (migrate down), or accept it as it is (migrate repair --accept). Nothing was run.`,
      set.name,
      name,
    );
  }
}

/**
 * Begins a transaction and takes the lock in it, again and again while somebody else holds either: on SQLite BEGIN
 * IMMEDIATE is the lock, and a long migration outlasts the provider's own wait for it.
 */
export async function transact<Result>(
  connection: Kysely<any>,
  context: StepContext,
  work: (trx: Transaction<any>) => Promise<Result>,
): Promise<Result> {
  const { traits, owner, clock, lockTimeout } = context;
  const nextDelay = decorrelatedJitter({ base: 5, cap: 100 });
  const deadline = clock.monotonic() + lockTimeout;
  let isBegun = false;
  for (;;) {
    try {
      return await connection.transaction().execute(async (trx) => {
        await traits.lock.takeStep(trx, owner);
        isBegun = true;
        return work(trx);
      });
    } catch (error) {
      if (isBegun || !(error instanceof DatabaseBusyError)) throw error;
      if (clock.monotonic() >= deadline) throw lockedError(context, error);
      await sleep(clock, nextDelay());
    }
  }
}

/** Says that the migrations could not begin. */
export function lockedError({ set, lockTimeout }: StepContext, cause: unknown): MigrationError {
  return new MigrationError(
    `The migrations of set "${set.name}" were to run, but somebody else held their lock for ${lockTimeout} ms. Wait until the other process has migrated, then start again; "liminal-data migrate unlock" tells who it is.`,
    set.name,
    undefined,
    { cause },
  );
}
