import {
  Migrator as KyselyMigrator,
  type MigrationInfo,
  type MigrationResult,
  type MigrationResultSet,
  type NoMigrations,
} from 'kysely/migration';
import type { MigratableDatabase } from './migratable-database.ts';
import type { MigrationSet } from './migration-set.ts';
import type { MigrationStep } from './migration-steps.ts';
import { Migrator, type MigratorOptions } from './migrator.ts';

/**
 * A Migrator of this library in the shape of Kysely's, for tools that drive that one, such as kysely-ctl: locks,
 * transactions, checksums and the record of the schema are ours.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param set the history
 * @param options how it waits and reports
 * @returns what goes to `migrations.migrator` of `kysely.config.ts`
 * @throws ValidationError where the set or an option breaks a rule
 * @example
 * // kysely.config.ts
 * export default defineConfig({
 *   kysely: provider.db,
 *   migrations: { migrator: () => createKyselyMigrator(provider, notes) },
 * });
 */
export function createKyselyMigrator(
  database: MigratableDatabase,
  set: MigrationSet,
  options: MigratorOptions = {},
): KyselyMigrator {
  return new DrivenMigrator(database, set, options);
}

class DrivenMigrator extends KyselyMigrator {
  readonly #set: MigrationSet;
  readonly #migrator: Migrator;

  #steps: MigrationStep[] = [];

  constructor(database: MigratableDatabase, set: MigrationSet, options: MigratorOptions) {
    super({ db: database.db, provider: { getMigrations: async () => ({}) } });
    this.#set = set;
    this.#migrator = new Migrator(database, set, {
      ...options,
      onStep: (step) => {
        this.#steps.push(step);
        options.onStep?.(step);
      },
    });
  }

  override async getMigrations(): Promise<readonly MigrationInfo[]> {
    const status = await this.#migrator.status();
    return status.map(({ name, appliedAt }, index) => {
      const isReversible = this.#set.migrations[index]?.irreversible === undefined;
      // Whoever runs them by these would go past the lock and the records.
      const refuse = () => Promise.reject(new Error('This migration is run by its Migrator.'));
      return {
        name,
        migration: { up: refuse, ...(isReversible ? { down: refuse } : {}) },
        ...(appliedAt === undefined ? {} : { executedAt: new Date(appliedAt) }),
      };
    });
  }

  override migrateToLatest(): Promise<MigrationResultSet> {
    return this.#run(() => this.#migrator.latest());
  }

  override migrateTo(target: string | NoMigrations): Promise<MigrationResultSet> {
    return this.#run(() => this.#migrator.to(typeof target === 'string' ? target : null));
  }

  override migrateUp(): Promise<MigrationResultSet> {
    return this.#run(() => this.#migrator.up());
  }

  override migrateDown(): Promise<MigrationResultSet> {
    return this.#run(() => this.#migrator.down());
  }

  async #run(run: () => Promise<unknown>): Promise<MigrationResultSet> {
    this.#steps = [];
    try {
      await run();
      return { results: this.#steps.map(toResult) };
    } catch (error) {
      // What was done before stays, and Kysely lists it.
      return { error, results: this.#steps.map(toResult) };
    }
  }
}

function toResult({ name, direction }: MigrationStep): MigrationResult {
  return { migrationName: name, direction: direction === 'up' ? 'Up' : 'Down', status: 'Success' };
}
