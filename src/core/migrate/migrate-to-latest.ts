import type { MigratableDatabase } from './migratable-database.ts';
import type { MigrationSet } from './migration-set.ts';
import { Migrator, type MigrationReport, type MigratorOptions } from './migrator.ts';
import { orderSets } from './order-sets.ts';

/**
 * Runs everything that is pending in some migration sets, each behind those that it requires.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param sets the histories
 * @param options how it waits and reports
 * @returns what was run, a report a set
 * @throws ConfigurationError where the sets do not fit each other
 * @throws MigrationError, ConnectionError and CommitOutcomeUnknownError as `Migrator.latest`; the sets before stay
 * @example
 * await migrateToLatest(provider, [outboxMigrations, shopMigrations]);
 */
export async function migrateToLatest(
  database: MigratableDatabase,
  sets: readonly MigrationSet[],
  options: MigratorOptions = {},
): Promise<readonly MigrationReport[]> {
  const reports: MigrationReport[] = [];
  for (const set of orderSets(sets)) reports.push(await new Migrator(database, set, options).latest());
  return reports;
}
