// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export type { ColumnHelpers, MigrationTraits, TableHelpers } from '../engine/migration-traits.ts';
export {
  createMigrationFile,
  type CreatedMigrationFile,
  type MigrationFileOptions,
} from './create-migration-file.ts';
export { defineConfig, type LiminalConfig } from './define-config.ts';
export { defineMigrationSet, type MigrationSet, type NamedMigration } from './migration-set.ts';
export {
  Migrator,
  type MigratableDatabase,
  type MigrationReport,
  type MigrationStatus,
  type MigratorOptions,
} from './migrator.ts';
export type { MigrationStep } from './migration-steps.ts';
export type { MigrationDirection } from './run-migration.ts';
