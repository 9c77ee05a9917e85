import type { DatabaseConfig } from '../../config/database-config.ts';
import { postgresConfig, type PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { Engine, EngineContext, OpenEngine } from '../engine.ts';
import { TranslatingDialect } from '../translating-dialect.ts';
import { PostgresDialect } from './postgres-dialect.ts';
import { translatePostgresError } from './postgres-errors.ts';
import { postgresMigrations } from './postgres-migrations.ts';
import { PostgresPool } from './postgres-pool.ts';
import { postgresVocabulary } from './postgres-vocabulary.ts';

/**
 * PostgreSQL 15 or newer, by pg: pooled connections with limits for waiting, for each statement, for locks
 * and for transactions that lie idle. A server that ends a connection never ends the process.
 */
export const postgresEngine: Engine<'postgres', PostgresSettings> = {
  config: postgresConfig,
  open(config: DatabaseConfig<'postgres', PostgresSettings>, context: EngineContext): OpenEngine {
    const pool = new PostgresPool(config, context);
    return {
      dialect: new TranslatingDialect(new PostgresDialect(pool), translatePostgresError),
      sql: postgresVocabulary,
      migrations: postgresMigrations,
      stats: () => pool.stats(),
      close: (deadline) => pool.close(deadline),
    };
  },
};
