import type { MigrationTraits } from '../migration-traits.ts';
import { sqliteBackfill } from './sqlite-backfill.ts';
import { sqliteColumns } from './sqlite-columns.ts';
import { sqlitePlan } from './sqlite-plan.ts';
import { readSqliteForeignKeys } from './sqlite-foreign-key-list.ts';
import { sqliteForeignKeys } from './sqlite-foreign-keys.ts';
import { findSqliteFaults } from './sqlite-integrity.ts';
import { sqliteMigrationLock } from './sqlite-migration-lock.ts';
import { readSqliteSchema } from './sqlite-schema.ts';
import { switchesForeignKeys } from './statement-kind.ts';

/**
 * How migrations run on SQLite. Each step begins IMMEDIATE and reads the ledger again inside of its
 * transaction, which is the lock: a second process waits for it and then finds nothing to do.
 */
export const sqliteMigrations: MigrationTraits = {
  columns: sqliteColumns,
  plan: sqlitePlan,
  backfill: sqliteBackfill,
  readSchema: readSqliteSchema,
  readForeignKeys: readSqliteForeignKeys,
  findIntegrityFaults: findSqliteFaults,
  lock: sqliteMigrationLock,
  foreignKeys: sqliteForeignKeys,
  refuse: (sql) =>
    switchesForeignKeys(sql)
      ? "PRAGMA foreign_keys is the runner's matter. Declare foreignKeys: 'off' on the migration: it switches them before BEGIN and checks them before COMMIT."
      : undefined,
};
