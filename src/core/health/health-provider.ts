import type { EngineGauges } from '../engine/engine-gauges.ts';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import type { HealthReport } from '../provider/health.ts';

/** The part of a provider that health needs, whatever its tables are; `DatabaseProvider` fits. */
export interface HealthProvider {
  /** The root handle. */
  readonly db: object;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** How the schema is read; for the schema guard. */
  readonly migrations: MigrationTraits;
  /** The absolute path of the database; absent where it is no file of this machine. */
  readonly file?: string | undefined;
  /** The state of the pool. */
  stats(): PoolStats;
  /** What the engine can tell of itself; absent where it cannot. */
  gauges?(): Promise<EngineGauges>;
  /** Asks the database for its version. */
  healthCheck(): Promise<HealthReport>;
}
