import type { MigrationTraits } from '../migration-traits.ts';
import { sqliteColumns } from './sqlite-columns.ts';

/**
 * How migrations run on SQLite. Each step begins IMMEDIATE and reads the ledger again inside of its
 * transaction, which is the lock: a second process waits for it and then finds nothing to do.
 */
export const sqliteMigrations: MigrationTraits = {
  columns: sqliteColumns,
  withLock: (_connection, _name, _options, work) => work(),
};
