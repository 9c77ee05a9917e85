import type { DatabaseConfig } from '../../config/database-config.ts';
import { postgresConfig, type PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import type { Engine, EngineContext, OpenEngine } from '../engine.ts';
import { noBackupError, noRestoreError } from './postgres-backup.ts';
import { openCommittedReads } from './postgres-committed-reads.ts';
import { examinePostgres } from './postgres-examination.ts';
import { explainPostgres } from './postgres-explain.ts';
import { createPostgresMigrations } from './postgres-migrations.ts';
import { PostgresNotifications } from './postgres-notifications.ts';
import { openServers } from './postgres-replicas.ts';
import { createPostgresTransfer } from './postgres-transfer.ts';
import { postgresVocabulary } from './postgres-vocabulary.ts';

/**
 * PostgreSQL 15 or newer, by pg: pooled connections with limits for waiting, for each statement, for locks
 * and for transactions that lie idle. A server that ends a connection never ends the process.
 */
export const postgresEngine: Engine<'postgres', PostgresSettings> = {
  config: postgresConfig,
  open(config: DatabaseConfig<'postgres', PostgresSettings>, context: EngineContext): OpenEngine {
    const servers = openServers(config, context);
    const committed = openCommittedReads(config, context);
    const notifications = new PostgresNotifications(servers.primary, context);
    return {
      dialect: servers.dialect,
      isRemote: true,
      direct: servers.direct,
      committedReads: committed.executor,
      ...(servers.noteForeignWrites && { noteForeignWrites: servers.noteForeignWrites }),
      sql: postgresVocabulary,
      migrations: createPostgresMigrations((processId) => servers.primary.hasBackend(processId)),
      transfer: createPostgresTransfer(config),
      listen: (channel, listener) => notifications.listen(channel, listener),
      backup: (file) => Promise.reject(noBackupError(config.connection, file)),
      explain: (statement) => explainPostgres(servers.primary, statement),
      examine: (db) => examinePostgres(db, config),
      stats: () => servers.stats(),
      gauges: () => servers.gauges(),
      async close(deadline) {
        await Promise.all([notifications.close(), committed.close(deadline), servers.close(deadline)]);
      },
    };
  },
  restore: (config, file) => Promise.reject(noRestoreError(config.connection, file)),
};
