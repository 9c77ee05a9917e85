import type { Transaction } from 'kysely';
import { Migrator as KyselyMigrator } from 'kysely/migration';
import type { ColumnHelpers } from '../engine/migration-traits.ts';
import { compareNames, historyTables } from './migration-history.ts';
import type { MigrationSet } from './migration-set.ts';

/** Which way a migration runs. */
export type MigrationDirection = 'up' | 'down';

/** What is run of which set, and where it is recorded. */
export interface MigrationRun {
  readonly set: MigrationSet;
  /** Where the record of the set lies; undefined where the engine has no schemas. */
  readonly schema: string | undefined;
  readonly columns: ColumnHelpers;
  readonly direction: MigrationDirection;
}

/**
 * Runs the next migration of a set, or takes the last one back, and records it, all inside the caller's
 * transaction. Kysely's Migrator does the work and keeps the record, so that its own tools can read it.
 *
 * @param trx the transaction, which the caller ends
 * @param run what is run
 * @throws whatever the migration threw, or TransactionAbortedError where a statement of it failed and nobody heard
 *   of it; the caller must roll back
 */
export async function runMigration(trx: Transaction<any>, run: MigrationRun): Promise<void> {
  const { set, schema, columns, direction } = run;
  const { ledger, lock } = historyTables(set);
  const migrator = new KyselyMigrator({
    db: trx,
    provider: { getMigrations: async () => bindColumns(set, columns) },
    migrationTableName: ledger,
    migrationLockTableName: lock,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
    nameComparator: compareNames,
  });
  const { results, error } = direction === 'up' ? await migrator.migrateUp() : await migrator.migrateDown();
  // The result, not the error, tells: a migration may throw undefined.
  if (results?.[0]?.status !== 'Success') throw error;
}

type BoundMigration = Record<MigrationDirection, (db: Transaction<any>) => Promise<void>>;

function bindColumns(set: MigrationSet, columns: ColumnHelpers): Record<string, BoundMigration> {
  return Object.fromEntries(
    set.migrations.map((migration) => [
      migration.name,
      { up: (db) => migration.up(db, columns), down: (db) => migration.down(db, columns) },
    ]),
  );
}
