import type { Kysely } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { MigrationError } from '../foundation/errors/migration-errors.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { readHistory } from './migration-history.ts';
import { defineMigrationSet, type MigrationSet } from './migration-set.ts';
import {
  takeSteps,
  type Course,
  type MigrationStep,
  type StepPlan,
  type StepsTaken,
} from './migration-steps.ts';

/** The part of a provider that a migrator needs. */
export interface MigratableDatabase {
  /** The root handle; a migrator takes one connection of it for a run. */
  readonly db: Kysely<any>;
  /** How migrations run on its engine. */
  readonly migrations: MigrationTraits;
}

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
 * Brings a database to a place in the history of one migration set.
 *
 * Each migration has a transaction of its own, with its entry in the record: one that fails leaves nothing
 * behind, and those before it stay. Processes that migrate at the same time wait for each other and do the
 * work once. It does not compare schemas, and it does not run migrations outside of a transaction.
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
   * @throws MigrationError as `up`; ConnectionError and CommitOutcomeUnknownError as well
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
   * @throws MigrationError where the set has no such migration; and as `up`
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
    if (course(history.length) === undefined) return this.#report({ steps: [], applied: history.length });
    const set = this.#set;
    const wait = { timeout: this.#lockTimeout, clock: this.#clock };
    const plan: StepPlan = {
      set,
      schema,
      traits: migrations,
      course,
      limit,
      lockTimeout: this.#lockTimeout,
      clock: this.#clock,
      onStep: this.#onStep,
    };
    try {
      const taken = await db
        .connection()
        .execute((connection) =>
          migrations.withLock(connection, set.name, wait, () => takeSteps(connection, plan)),
        );
      return this.#report(taken);
    } catch (error) {
      throw error instanceof DatabaseBusyError ? this.#busyError(error) : error;
    }
  }

  #report({ steps, applied }: StepsTaken): MigrationReport {
    const current = this.#set.migrations[applied - 1]?.name ?? null;
    return { set: this.#set.name, applied: steps, current };
  }

  #busyError(cause: DatabaseBusyError): MigrationError {
    return new MigrationError(
      `The migrations of set "${this.#set.name}" were to run, but somebody else held their lock for ${this.#lockTimeout} ms. Wait until the other process has migrated, then start again.`,
      this.#set.name,
      undefined,
      { cause },
    );
  }
}

function checkSteps(steps: number): number {
  if (Number.isSafeInteger(steps) && steps >= 1) return steps;
  throw new ValidationError([{ path: ['steps'], message: 'must be a whole number from 1' }]);
}
