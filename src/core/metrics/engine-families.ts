import type { EngineGauges, ReplicaGauges } from '../engine/engine-gauges.ts';
import type { MetricFamily, MetricType } from './metric-family.ts';

/** The engine of one database. */
export interface NamedEngine {
  readonly database: string;
  /** Its type. */
  readonly engine: string;
  readonly gauges: EngineGauges;
}

/** What Prometheus is told of engines. A figure that is absent has no sample. */
export function engineFamilies(engines: readonly NamedEngine[]): MetricFamily[] {
  const family = (
    name: string,
    type: MetricType,
    help: string,
    read: (gauges: EngineGauges) => number | undefined,
  ): MetricFamily => ({
    name: `liminal_${name}`,
    type,
    help,
    samples: engines.flatMap(({ database, gauges }) => {
      const value = read(gauges);
      return value === undefined ? [] : [{ labels: { database }, value }];
    }),
  });
  return [
    {
      name: 'liminal_database_info',
      type: 'gauge',
      help: 'Which engine a database has, and its version. Always 1.',
      samples: engines.map(({ database, engine, gauges: { version } }) => ({
        labels: { database, engine, ...(version !== undefined && { version }) },
        value: 1,
      })),
    },
    family('database_size_bytes', 'gauge', 'The size of the database file.', (all) => all.databaseBytes),
    family('sqlite_wal_size_bytes', 'gauge', 'The size of the write-ahead log.', ({ wal }) => wal?.bytes),
    family(
      'sqlite_wal_restarts_total',
      'counter',
      'How often the write-ahead log has begun anew behind a whole checkpoint.',
      ({ wal }) => wal?.restarts,
    ),
    family(
      'sqlite_checkpoints_total',
      'counter',
      'Checkpoints that the library made of a log that had grown too long.',
      ({ wal }) => wal?.checkpoints,
    ),
    family(
      'sqlite_checkpoints_failed_total',
      'counter',
      'Those of them that a snapshot kept from emptying the log.',
      ({ wal }) => wal?.failedCheckpoints,
    ),
    family('sqlite_checkpoint_seconds_total', 'counter', 'How long these checkpoints took.', ({ wal }) =>
      seconds(wal?.checkpointTime),
    ),
    family('sqlite_writer_waiting', 'gauge', 'Callers that wait for the writer.', (all) => all.writerQueue),
    {
      name: 'liminal_sqlite_workers',
      type: 'gauge',
      help: 'Worker threads by whether they run a read.',
      samples: engines.flatMap(({ database, gauges: { workers } }) =>
        workers === undefined
          ? []
          : [
              { labels: { database, state: 'busy' }, value: workers.busy },
              { labels: { database, state: 'idle' }, value: workers.size - workers.busy },
            ],
      ),
    },
    family('sqlite_workers_max', 'gauge', 'The most worker threads.', ({ workers }) => workers?.max),
    family(
      'event_loop_statements_total',
      'counter',
      'Synchronous statements on the thread of the event loop.',
      ({ loop }) => loop?.statements,
    ),
    family(
      'event_loop_held_seconds_total',
      'counter',
      'How long synchronous statements kept the event loop from turning; its rate is their share.',
      ({ loop }) => seconds(loop?.held),
    ),
    family(
      'event_loop_longest_hold_seconds',
      'gauge',
      'How long the longest synchronous statement took.',
      ({ loop }) => seconds(loop?.longest),
    ),
    family(
      'event_loop_blocked_total',
      'counter',
      'Synchronous statements that took longer than connection.loopBlockThreshold.',
      ({ loop }) => loop?.blocked,
    ),
    {
      name: 'liminal_postgres_sessions',
      type: 'gauge',
      help: 'Connections of the pool by what they do.',
      samples: engines.flatMap(({ database, gauges: { sessions } }) =>
        sessions === undefined
          ? []
          : [
              { labels: { database, state: 'active' }, value: sessions.active },
              { labels: { database, state: 'idle' }, value: sessions.idle },
              { labels: { database, state: 'idle_in_transaction' }, value: sessions.idleInTransaction },
              {
                labels: { database, state: 'idle_in_failed_transaction' },
                value: sessions.idleInFailedTransaction,
              },
            ],
      ),
    },
    family(
      'postgres_prepared_statements',
      'gauge',
      'Statements that are kept prepared on the server.',
      (all) => all.preparedStatements,
    ),
    replicaFamily(engines, 'up', 'Whether a replica answers.', ({ isAnswering }) => (isAnswering ? 1 : 0)),
    replicaFamily(engines, 'lag_seconds', 'How far a replica is behind.', ({ lag }) => seconds(lag)),
    replicaFamily(engines, 'lag_bytes', 'How much log a replica has to replay.', ({ lagBytes }) => lagBytes),
  ];
}

function replicaFamily(
  engines: readonly NamedEngine[],
  name: string,
  help: string,
  read: (replica: ReplicaGauges) => number | undefined,
): MetricFamily {
  return {
    name: `liminal_postgres_replica_${name}`,
    type: 'gauge',
    help,
    samples: engines.flatMap(({ database, gauges: { replicas = [] } }) =>
      replicas.flatMap((replica) => {
        const value = read(replica);
        return value === undefined ? [] : [{ labels: { database, replica: String(replica.number) }, value }];
      }),
    ),
  };
}

function seconds(duration: number | undefined): number | undefined {
  return duration === undefined ? undefined : duration / 1_000;
}
