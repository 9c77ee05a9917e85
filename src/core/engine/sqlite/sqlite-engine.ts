import { sqliteConfig, type SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { Engine, EngineContext, OpenEngine } from '../engine.ts';
import { TranslatingDialect } from '../translating-dialect.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import { SqliteLane } from './sqlite-lane.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';
import { sqliteVocabulary } from './sqlite-vocabulary.ts';

/**
 * SQLite in this process, by better-sqlite3: write-ahead log, foreign keys on, every commit flushed to
 * the disk. Statements run on the calling thread and cannot be cancelled while they run.
 */
export const sqliteEngine: Engine<'sqlite', SqliteSettings> = {
  config: sqliteConfig,
  open(config: DatabaseConfig<'sqlite', SqliteSettings>, { clock }: EngineContext): OpenEngine {
    const lane = new SqliteLane(config, clock);
    return {
      dialect: new TranslatingDialect(new SqliteDialect(lane), translateSqliteError),
      sql: sqliteVocabulary,
      migrations: sqliteMigrations,
      stats: () => lane.stats(),
      close: (deadline) => lane.close(deadline),
    };
  },
};
