import { systemClock, type Clock } from '../foundation/clock.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { withSlowQueryThreshold } from '../foundation/slow-query-threshold.ts';
import { readHistory } from './migration-history.ts';
import type { MigratableDatabase } from './migratable-database.ts';
import { listSteps, type Course } from './migration-path.ts';
import { defineMigrationSet, type MigrationSet } from './migration-set.ts';
import { takeSteps, type MigrationStep, type StepPlan, type StepsTaken } from './migration-steps.ts';
import type { MigrationPlan } from './plan/migration-plan.ts';
import { planLatest } from './plan/plan-latest.ts';
import { repairRecords, type RepairOptions, type RepairReport } from './repair-records.ts';
import { lockedError } from './step-context.ts';
import { unlockMigrations, type UnlockOptions, type UnlockReport } from './unlock-migrations.ts';
import { verifyMigrations, type MigrationVerification } from './verify-migrations.ts';

/** How a migrator waits and reports. */
export interface MigratorOptions {
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** The longest wait for another process that migrates the same set, in ms, from 0; 60,000 by default. */
  readonly lockTimeout?: number;
  /** Called behind the commit of each migration. */
  readonly onStep?: (step: MigrationStep) => void;
}

/** What a verb of the migrator did. */
export interface MigrationReport {
  /** The name of the set. */
  readonly set: string;
  /** What this call ran, in its order. Empty where there was nothing to do. */
  readonly applied: readonly MigrationStep[];
  /** The last migration that the database has now; null where it has none. */
  readonly current: string | null;
}

/** One migration of a set and whether the database has run it. */
export interface MigrationStatus {
  /** The name of the migration. */
  readonly name: string;
  /** In ms since the Unix epoch; undefined where it is pending. */
  readonly appliedAt: number | undefined;
}

const defaultLockTimeout = 60_000;

/**
 * Brings a database to a place in the history of one migration set, and tells whether it is where it says it is.
 *
 * Each migration has a transaction of its own, with its entry in the record: one that fails leaves nothing
 * behind, and those before it stay. One that declares `transaction: false` has none, and runs again from its start
 * where it broke off. Processes that migrate at the same time wait for each other and do the work once. Nothing here
 * ever resets a database.
 *
 * @example
 * const migrator = new Migrator(provider, notes);
 * await migrator.latest();
 */
export class Migrator {
  readonly #provider: MigratableDatabase;
  readonly #set: MigrationSet;
  readonly #clock: Clock;
  readonly #lockTimeout: number;
  readonly #onStep: (step: MigrationStep) => void;

  /**
   * @param provider a DatabaseProvider, or whatever has its `db` and `migrations`
   * @param set the history
   * @param options how it waits and reports
   * @throws ValidationError where the set or `lockTimeout` breaks a rule
   */
  constructor(provider: MigratableDatabase, set: MigrationSet, options: MigratorOptions = {}) {
    const { clock = systemClock, lockTimeout = defaultLockTimeout, onStep = () => {} } = options;
    if (!Number.isSafeInteger(lockTimeout) || lockTimeout < 0) {
      throw new ValidationError([{ path: ['lockTimeout'], message: 'must be a whole number of ms from 0' }]);
    }
    this.#provider = provider;
    this.#set = defineMigrationSet(set);
    this.#clock = clock;
    this.#lockTimeout = lockTimeout;
    this.#onStep = onStep;
  }

  /**
   * Runs the next migrations.
   *
   * @param steps how many, from 1; fewer are run where fewer are pending
   * @returns what was run
   * @throws ValidationError where `steps` is no whole number from 1
   * @throws MigrationError where a migration fails, the recorded history does not fit the set (nothing is
   *   run then), or another process holds the lock for longer than `lockTimeout`
   * @throws ConnectionError where the database cannot be reached
   * @throws CommitOutcomeUnknownError where the connection was lost while a migration was committed: `status`
   *   tells whether it was
   * @example
   * const { applied } = await migrator.up(2);
   */
  async up(steps = 1): Promise<MigrationReport> {
    return this.#run((applied) => (applied < this.#total ? 'up' : undefined), checkSteps(steps));
  }

  /**
   * Takes the last migrations back.
   *
   * @param steps how many, from 1; fewer are taken back where fewer were applied
   * @returns what was run, the last migration first
   * @throws ValidationError where `steps` is no whole number from 1
   * @throws MigrationError where one of them is irreversible, before any step runs; and as `up`
   * @throws ConnectionError and CommitOutcomeUnknownError as `up`
   * @example
   * await migrator.down(); // the last one
   */
  async down(steps = 1): Promise<MigrationReport> {
    return this.#run((applied) => (applied > 0 ? 'down' : undefined), checkSteps(steps));
  }

  /**
   * Goes up or down until a migration is the last applied one.
   *
   * @param name of the migration; null takes everything back
   * @returns what was run
   * @throws MigrationError where the set has no such migration, or one on the way down is irreversible; and as `up`
   * @throws ConnectionError and CommitOutcomeUnknownError as `up`
   * @example
   * await migrator.to('0002-first-note');
   */
  async to(name: string | null): Promise<MigrationReport> {
    const target = name === null ? 0 : this.#indexOf(name) + 1;
    const course: Course = (applied) => (applied < target ? 'up' : applied > target ? 'down' : undefined);
    return this.#run(course, this.#total);
  }

  /**
   * Runs everything that is pending.
   *
   * @returns what was run; nothing where the database is up to date
   * @throws MigrationError, ConnectionError and CommitOutcomeUnknownError as `up`
   * @example
   * const { current } = await migrator.latest();
   */
  async latest(): Promise<MigrationReport> {
    return this.#run((applied) => (applied < this.#total ? 'up' : undefined), this.#total);
  }

  /**
   * Takes the last migrations back and runs them again: for the one that is being written.
   *
   * @param steps how many, from 1; fewer where fewer were applied
   * @returns what was run, first down and then up
   * @throws ValidationError where `steps` is no whole number from 1
   * @throws MigrationError where one of them is irreversible, before any step runs; and as `up`
   * @throws ConnectionError and CommitOutcomeUnknownError as `up`
   * @example
   * await migrator.redo();
   */
  async redo(steps = 1): Promise<MigrationReport> {
    const back = await this.down(steps);
    if (back.applied.length === 0) return back;
    const again = await this.up(back.applied.length);
    return { ...again, applied: [...back.applied, ...again.applied] };
  }

  /**
   * Shows the SQL of what `latest` would run, with what it locks, what it destroys and what is dangerous in it.
   * Nothing of it is kept: it runs in a transaction that is rolled back, which holds its locks for so long.
   *
   * @returns the plan
   * @throws MigrationError where the history does not fit the set, or a lock is not granted within 2 seconds
   * @throws ConnectionError where the database cannot be reached
   * @example
   * const { dangers } = await migrator.plan();
   */
  async plan(): Promise<MigrationPlan> {
    return planLatest(this.#provider, [this.#set], { clock: this.#clock });
  }

  /**
   * Holds the database against its records: whether the migrations that have run are still what they were, whether
   * the live schema is the one that the last step left, and whether the database itself finds something broken. It
   * takes no lock and writes nothing.
   *
   * @returns what was found; pending migrations are told, and are no fault
   * @throws ConnectionError where the database cannot be reached
   * @example
   * const { isSound, schema } = await migrator.verify();
   */
  async verify(): Promise<MigrationVerification> {
    return withSlowQueryThreshold(0, () => verifyMigrations(this.#provider, [this.#set]));
  }

  /**
   * Records as right what `verify` complains of, after somebody has looked at it: an edited migration, or the live
   * schema. It changes the records alone, never the schema.
   *
   * @param options what is accepted
   * @returns what was recorded anew
   * @throws ValidationError where nothing is named
   * @throws MigrationError where a migration that is named has not run, or the lock is not granted in time
   * @throws ConnectionError where the database cannot be reached
   * @example
   * await migrator.repair({ accept: ['0003-labels'] });
   */
  async repair(options: RepairOptions): Promise<RepairReport> {
    return repairRecords(this.#provider, this.#set, options, {
      clock: this.#clock,
      lockTimeout: this.#lockTimeout,
    });
  }

  /**
   * Tells who holds the lock of the migrations, and takes it away where that process is gone.
   *
   * @param options `force` takes it from a process that lives; on Postgres that ends its connection
   * @returns who held it, and whether it is free now
   * @throws ConnectionError where the database cannot be reached
   * @example
   * const { holder, isFree } = await migrator.unlock();
   */
  async unlock(options: UnlockOptions = {}): Promise<UnlockReport> {
    return unlockMigrations(this.#provider, options);
  }

  /**
   * Tells what has run and what is pending. It takes no lock, makes no table and writes nothing.
   *
   * @returns every migration of the set, in its order
   * @throws MigrationError where the recorded history does not fit the set
   * @throws ConnectionError where the database cannot be reached
   * @example
   * const pending = (await migrator.status()).filter(({ appliedAt }) => appliedAt === undefined);
   */
  async status(): Promise<readonly MigrationStatus[]> {
    const { db, migrations } = this.#provider;
    const applied = await readHistory(db, this.#set, await migrations.currentSchema?.(db));
    return this.#set.migrations.map(({ name }, index) => ({ name, appliedAt: applied[index]?.appliedAt }));
  }

  get #total(): number {
    return this.#set.migrations.length;
  }

  #indexOf(name: string): number {
    const index = this.#set.migrations.findIndex((migration) => migration.name === name);
    if (index >= 0) return index;
    throw new MigrationError(
      `Set "${this.#set.name}" has no migration of the name that was asked for. Nothing was run.`,
      this.#set.name,
    );
  }

  async #run(course: Course, limit: number): Promise<MigrationReport> {
    const { db, migrations } = this.#provider;
    // Without this first look, every start of an application would queue for the lock.
    const schema = await migrations.currentSchema?.(db);
    const history = await readHistory(db, this.#set, schema);
    const set = this.#set;
    if (listSteps(set, course, history.length, limit).length === 0) {
      return this.#report({ steps: [], applied: history.length });
    }
    const plan: StepPlan = {
      set,
      schema,
      traits: migrations,
      course,
      limit,
      owner: loadCrypto().randomUUID(),
      lockTimeout: this.#lockTimeout,
      clock: this.#clock,
      onStep: this.#onStep,
    };
    const { owner, lockTimeout: timeout, clock } = plan;
    try {
      const taken = await db.connection().execute((connection) =>
        // Migrations take the time that they need, and are no slow queries.
        withSlowQueryThreshold(0, () =>
          migrations.lock.holdRun(connection, { owner, timeout, clock }, () => takeSteps(connection, plan)),
        ),
      );
      return this.#report(taken);
    } catch (error) {
      throw error instanceof DatabaseBusyError ? lockedError(plan, error) : error;
    }
  }

  #report({ steps, applied }: StepsTaken): MigrationReport {
    const current = this.#set.migrations[applied - 1]?.name ?? null;
    return { set: this.#set.name, applied: steps, current };
  }
}

function checkSteps(steps: number): number {
  if (Number.isSafeInteger(steps) && steps >= 1) return steps;
  throw new ValidationError([{ path: ['steps'], message: 'must be a whole number from 1' }]);
}
