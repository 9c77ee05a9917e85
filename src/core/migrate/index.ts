// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export type { BackfillTraits } from '../engine/backfill-traits.ts';
export type {
  ColumnContraction,
  ColumnConversion,
  ColumnExpansion,
  ExpandedColumn,
  NewColumnExpansion,
} from '../engine/column-expansion.ts';
export type { ColumnHelpers, TableHelpers } from '../engine/column-helpers.ts';
export type { MigrationTraits } from '../engine/migration-traits.ts';
export type {
  ColumnKinds,
  DeleteAction,
  PortableColumn,
  PortableColumns,
  PortableReference,
  PortableType,
  ReferenceOptions,
} from '../engine/portable-column.ts';
export type {
  DefineColumns,
  IndexTerm,
  JsonTerm,
  PortableForeignKey,
  PortableIndex,
  PortableIndexOptions,
  PortableKey,
  PortableTableTerms,
} from '../engine/portable-table.ts';
export type { RebuildLosses, RebuildTerms } from '../engine/rebuild-terms.ts';
export {
  toSchemaSnapshot,
  type SchemaItem,
  type SchemaItemKind,
  type SchemaSnapshot,
} from '../engine/schema-snapshot.ts';
export { backfill } from './backfill/backfill.ts';
export type { BackfillDatabase, BackfillOptions } from './backfill/backfill-options.ts';
export type { BackfillProgress, BackfillReport } from './backfill/backfill-progress.ts';
export {
  createMigrationFile,
  type CreatedMigrationFile,
  type MigrationFileOptions,
} from './create-migration-file.ts';
export { defineConfig, type LiminalConfig } from './define-config.ts';
export { defineMigration } from './define-migration.ts';
export type { IrreversibleMigration, Migration, MigrationTerms, ReversibleMigration } from './migration.ts';
export { defineMigrationSet, type MigrationSet, type NamedMigration } from './migration-set.ts';
export { orderSets } from './order-sets.ts';
export { requireNeeds, shareStepsDown, type SetSteps } from './set-needs.ts';
export type { MigratableDatabase } from './migratable-database.ts';
export { Migrator, type MigrationReport, type MigrationStatus, type MigratorOptions } from './migrator.ts';
export type { MigrationStep } from './migration-steps.ts';
export type { MigrationDirection } from './run-migration.ts';
export { describeDifference, diffSchemas, type SchemaDifference } from './schema/schema-diff.ts';
export { fingerprintSchema } from './schema/schema-fingerprint.ts';
export { readSchemaSnapshot, writeSchemaSnapshot } from './schema/schema-snapshot-text.ts';
export { createSeedFile, type CreatedSeedFile, type SeedFileOptions } from './seed/create-seed-file.ts';
export {
  runSeeds,
  type RunSeedsOptions,
  type SeedableDatabase,
  type SeedReport,
  type SeedRun,
} from './seed/run-seeds.ts';
export { defineSeed, type Seed } from './seed/seed.ts';
export { upsertRows, type SeedRow } from './seed/upsert-rows.ts';
export { migrateToLatest } from './migrate-to-latest.ts';
export type { RepairOptions, RepairReport } from './repair-records.ts';
export type { UnlockOptions, UnlockReport } from './unlock-migrations.ts';
export {
  describeVerification,
  verifyMigrations,
  type MigrationVerification,
  type SchemaState,
  type SchemaVerification,
  type SetVerification,
  type VerifyOptions,
} from './verify-migrations.ts';
export { describePlan } from './plan/describe-plan.ts';
export { planLatest, type PlanLatestOptions } from './plan/plan-latest.ts';
export type {
  MigrationPlan,
  PlannedDanger,
  PlannedMigration,
  PlannedStatement,
  StaleReview,
} from './plan/migration-plan.ts';
export { dangerMeanings, type DangerCode } from '../engine/danger-codes.ts';
export type {
  AssessmentContext,
  Danger,
  PlanTraits,
  StatementAssessment,
  StatementLock,
  StatementWitness,
} from '../engine/statement-assessment.ts';
export { guardSchema } from './guard-schema.ts';
export type { SchemaGuard, SchemaMode } from '../engine/schema-guard.ts';
export { createKyselyMigrator } from './kysely-migrator.ts';
