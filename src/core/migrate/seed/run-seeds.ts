import type { Kysely, Transaction } from 'kysely';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import type { MigrationTraits } from '../../engine/migration-traits.ts';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep, systemClock, type Clock } from '../../foundation/clock.ts';
import { CommitOutcomeUnknownError } from '../../foundation/errors/connection-errors.ts';
import { MigrationError } from '../../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { defineSeed, type Seed } from './seed.ts';
import { readSeeds, recordSeed, type SeedSchema } from './seed-record.ts';

/** The part of a provider that seeds need. */
export interface SeedableDatabase {
  /** The root handle. */
  readonly db: Kysely<any>;
  /** How migrations run on its engine; seeds are kept apart by the same lock. */
  readonly migrations: Pick<MigrationTraits, 'columns' | 'currentSchema' | 'beginStep' | 'lock'>;
}

/** Which seeds run, and how they wait and report. */
export interface RunSeedsOptions {
  /** The name of the one that runs; all by default, in their order. */
  readonly only?: string;
  /** Whether those that have run already run again. False by default. */
  readonly again?: boolean;
  /** The longest wait for another process that migrates or seeds, in ms, from 0; 60,000 by default. */
  readonly lockTimeout?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Called behind the commit of each seed. */
  readonly onSeed?: (run: SeedRun) => void;
}

/** A seed that ran. */
export interface SeedRun {
  /** Its name. */
  readonly name: string;
  /** How long its transaction took, in ms. */
  readonly duration: number;
}

/** What `runSeeds` did. */
export interface SeedReport {
  /** What this call ran, in its order. */
  readonly ran: readonly SeedRun[];
  /** Those that had run before. */
  readonly passedOver: readonly string[];
}

interface SeedPlan {
  readonly again: boolean;
  readonly schema: SeedSchema;
  readonly owner: string;
  readonly lockTimeout: number;
  readonly clock: Clock;
}

const defaultLockTimeout = 60_000;

/**
 * Gives a database its seeds. Each has a transaction of its own, with its entry in the table `liminal_seeds`: one
 * that fails leaves nothing behind, and those before it stay. One that has run is passed over. Processes that start
 * at once run each seed once.
 *
 * It asks nobody whether this is production; the command line does.
 *
 * @param provider a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param seeds in the order in which they run
 * @param options which of them, and how it waits
 * @returns what ran and what was passed over
 * @throws ValidationError with every fault: of a seed, two of one name, an `only` that names none, a `lockTimeout`
 *   that is no whole number of ms
 * @throws MigrationError where a seed fails; its `cause` says why
 * @throws DatabaseBusyError where another process migrates or seeds for longer than `lockTimeout`
 * @throws ConnectionError where the database cannot be reached, and CommitOutcomeUnknownError where the connection
 *   was lost while a seed was committed: run it again, it is passed over where it was
 * @example
 * await runSeeds(provider, [plans, demoAccounts]);
 */
export async function runSeeds(
  provider: SeedableDatabase,
  seeds: readonly Seed[],
  options: RunSeedsOptions = {},
): Promise<SeedReport> {
  const { again = false, lockTimeout = defaultLockTimeout, clock = systemClock, onSeed } = options;
  const chosen = chooseSeeds(seeds, options.only, lockTimeout);
  const { db, migrations } = provider;
  const schema = await migrations.currentSchema?.(db);
  const plan: SeedPlan = { again, schema, owner: loadCrypto().randomUUID(), lockTimeout, clock };
  // Without this first look, every start of an application would queue for the lock.
  const before = again ? new Set<string>() : await readSeeds(db, schema);
  const ran: SeedRun[] = [];
  const passedOver: string[] = [];
  for (const seed of chosen) {
    const run = before.has(seed.name) ? undefined : await runSeed(provider, seed, plan);
    if (run === undefined) passedOver.push(seed.name);
    else {
      ran.push(run);
      onSeed?.(run);
    }
  }
  return { ran, passedOver };
}

function chooseSeeds(seeds: readonly Seed[], only: string | undefined, lockTimeout: number): readonly Seed[] {
  const checked = seeds.map((seed) => defineSeed(seed));
  const names = checked.map(({ name }) => name);
  const issues = names.flatMap((name, index) =>
    names.indexOf(name) === index
      ? []
      : [{ path: ['seeds', index, 'name'], message: 'is the name of another seed too' }],
  );
  if (only !== undefined && !names.includes(only)) {
    issues.push({ path: ['only'], message: `names no seed; there are: ${names.join(', ') || 'none'}` });
  }
  if (!Number.isSafeInteger(lockTimeout) || lockTimeout < 0) {
    issues.push({ path: ['lockTimeout'], message: 'must be a whole number of ms from 0' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return checked.filter(({ name }) => only === undefined || name === only);
}

/** @returns undefined where somebody else has run it meanwhile */
async function runSeed(
  { db, migrations }: SeedableDatabase,
  seed: Seed,
  plan: SeedPlan,
): Promise<SeedRun | undefined> {
  const { clock, schema } = plan;
  let startedAt: number | undefined;
  try {
    await transactLocked(db, migrations, plan, async (trx) => {
      if (!plan.again && (await readSeeds(trx, schema)).has(seed.name)) return;
      startedAt = clock.monotonic();
      await migrations.beginStep?.(trx);
      await seed.run(trx);
      await recordSeed(trx, { name: seed.name, ranAt: clock.now() }, { schema, columns: migrations.columns });
    });
  } catch (error) {
    if (startedAt === undefined || error instanceof CommitOutcomeUnknownError) throw error;
    throw new MigrationError(`Seed "${seed.name}" failed; all of it was rolled back.`, 'seeds', seed.name, {
      cause: error,
    });
  }
  return startedAt === undefined ? undefined : { name: seed.name, duration: clock.monotonic() - startedAt };
}

/** Begins a transaction that has the lock of the migrations, again and again while somebody else has it. */
async function transactLocked(
  db: Kysely<any>,
  { lock }: SeedableDatabase['migrations'],
  { clock, lockTimeout, owner }: SeedPlan,
  work: (trx: Transaction<any>) => Promise<void>,
): Promise<void> {
  const nextDelay = decorrelatedJitter({ base: 5, cap: 100 });
  const deadline = clock.monotonic() + lockTimeout;
  let isLocked = false;
  for (;;) {
    try {
      await db.transaction().execute(async (trx) => {
        await lock.takeStep(trx, owner);
        isLocked = true;
        await work(trx);
      });
      return;
    } catch (error) {
      if (isLocked || !(error instanceof DatabaseBusyError) || clock.monotonic() >= deadline) throw error;
      await sleep(clock, nextDelay());
    }
  }
}
