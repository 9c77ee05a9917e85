// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../../foundation/runtime.ts';
export { PooledSqliteDialect, type PooledSqliteDialectConfig } from './pooled-sqlite-dialect.ts';
export { sqliteColumns } from './sqlite-columns.ts';
export { sqliteEngine } from './sqlite-engine.ts';
export { sqliteMigrations } from './sqlite-migrations.ts';
export { sqliteVocabulary } from './sqlite-vocabulary.ts';
export { snapshotSqlite, type SnapshotOptions } from './sqlite-snapshot.ts';
