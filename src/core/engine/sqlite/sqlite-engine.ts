import { sqliteConfig, type SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { Engine, EngineContext, OpenEngine } from '../engine.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import { SqliteExecutor } from './sqlite-executor.ts';
import { SqliteLanes } from './sqlite-lanes.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';
import { sqliteVocabulary } from './sqlite-vocabulary.ts';

/**
 * SQLite in this process, by better-sqlite3: write-ahead log, one writer with readers beside it, foreign keys on,
 * every commit flushed to the disk. Statements run on the calling thread and cannot be cancelled while they run.
 */
export const sqliteEngine: Engine<'sqlite', SqliteSettings> = {
  config: sqliteConfig,
  open(config: DatabaseConfig<'sqlite', SqliteSettings>, context: EngineContext): OpenEngine {
    const lanes = new SqliteLanes(config, context);
    const executor = new SqliteExecutor(lanes);
    return {
      dialect: new SqliteDialect(lanes, executor),
      direct: executor,
      sql: sqliteVocabulary,
      migrations: sqliteMigrations,
      stats: () => lanes.stats(),
      close: (deadline) => lanes.close(deadline),
    };
  },
};
