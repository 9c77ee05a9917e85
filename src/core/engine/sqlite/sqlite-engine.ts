import { resolve } from 'node:path';
import { sqliteConfig, type SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { Engine, EngineContext, OpenEngine } from '../engine.ts';
import type { ExplainedStatement } from '../plan-facts.ts';
import { SqliteBackups } from './sqlite-backup.ts';
import { SqliteDialect } from './sqlite-dialect.ts';
import { SqliteExecutor } from './sqlite-executor.ts';
import { examineSqlite } from './sqlite-examination.ts';
import { explainSqlite } from './sqlite-explain.ts';
import { SqliteGauges } from './sqlite-gauges.ts';
import { SqliteLanes } from './sqlite-lanes.ts';
import { sqliteMigrations } from './sqlite-migrations.ts';
import { restoreSqlite } from './sqlite-restore.ts';
import { createSqliteTransfer } from './sqlite-transfer.ts';
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
    const { connection, lockTimeout } = config;
    const { memory, durability } = connection;
    // At once, since the working directory may change.
    const filename = memory ? connection.filename : resolve(connection.filename);
    const backups = new SqliteBackups(lanes, { filename, memory, lockTimeout, clock: context.clock });
    const gauges = new SqliteGauges(lanes, filename);
    return {
      dialect: new SqliteDialect(lanes, executor),
      direct: executor,
      sql: sqliteVocabulary,
      migrations: sqliteMigrations,
      transfer: createSqliteTransfer(lanes, {
        filename,
        memory,
        lockTimeout,
        clock: context.clock,
        backUp: (file, options) => backups.make(file, options),
        openFile: (file) =>
          sqliteEngine.open(
            { ...config, connection: { ...connection, filename: file, memory: false } },
            context,
          ),
      }),
      backup: (file, options) => backups.make(file, options),
      // A plan that a thread does not ask for would be asked for on the event loop, which the threads are to keep free.
      ...(lanes.workers === undefined && {
        explain: (statement: ExplainedStatement) => explainSqlite(lanes, config.pool.max - 1, statement),
      }),
      ...(!memory && { file: filename }),
      examine: (db) => examineSqlite(db, { isInMemory: memory, durability }),
      stats: () => lanes.stats(),
      gauges: () => gauges.read(),
      async close(deadline) {
        await Promise.all([backups.close(deadline), lanes.close(deadline)]);
      },
    };
  },
  restore: restoreSqlite,
};
