import type { Kysely, Transaction } from 'kysely';
import { Migrator as KyselyMigrator, type Migration as KyselyMigration } from 'kysely/migration';
import type { ColumnHelpers } from '../engine/column-helpers.ts';
import { compareNames, historyTables } from './migration-history.ts';
import type { Migration } from './migration.ts';
import type { MigrationSet } from './migration-set.ts';

/** Which way a migration runs. */
export type MigrationDirection = 'up' | 'down';

/** What is run of which set, and where it is recorded. */
export interface MigrationRun {
  readonly set: MigrationSet;
  /** Where the record of the set lies; undefined where the engine has no schemas. */
  readonly schema: string | undefined;
  readonly direction: MigrationDirection;
  /** Runs one way of a migration; where it has run already, it does nothing. */
  readonly perform: (migration: Migration, db: Kysely<any>) => Promise<void>;
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
  const { set, schema, direction } = run;
  const { ledger, lock } = historyTables(set);
  const migrator = new KyselyMigrator({
    db: trx,
    provider: { getMigrations: async () => bindMigrations(run) },
    migrationTableName: ledger,
    migrationLockTableName: lock,
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
    nameComparator: compareNames,
  });
  const { results, error } = direction === 'up' ? await migrator.migrateUp() : await migrator.migrateDown();
  // The result, not the error, tells: a migration may throw undefined.
  if (results?.[0]?.status !== 'Success') throw error;
}

/**
 * Runs one way of a migration as it is.
 *
 * @param db what it runs on
 */
export async function performMigration(
  migration: Migration,
  direction: MigrationDirection,
  db: Kysely<any>,
  columns: ColumnHelpers,
): Promise<void> {
  await (direction === 'up' ? migration.up(db, columns) : migration.down?.(db, columns));
}

function bindMigrations({ set, perform }: MigrationRun): Record<string, KyselyMigration> {
  return Object.fromEntries(
    set.migrations.map((migration) => {
      const run = (db: Kysely<any>): Promise<void> => perform(migration, db);
      // Kysely passes over a migration without `down` and reports success.
      return [migration.name, { up: run, down: run }];
    }),
  );
}
