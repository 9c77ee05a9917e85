// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../../foundation/runtime.ts';
export { PooledPostgresDialect, type PooledPostgresDialectConfig } from './pooled-postgres-dialect.ts';
export type { ConnectionHook, ConnectionHooks } from './pooled-postgres-driver.ts';
export { postgresColumns } from './postgres-columns.ts';
export { postgresEngine } from './postgres-engine.ts';
export { postgresVocabulary } from './postgres-vocabulary.ts';
