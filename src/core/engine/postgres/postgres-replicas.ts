import type { Dialect } from 'kysely';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { addSpreads } from '../../foundation/duration-buckets.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import type { DirectExecutor } from '../direct-executor.ts';
import type { EngineGauges } from '../engine-gauges.ts';
import type { EngineContext } from '../engine.ts';
import { PostgresDialect } from './postgres-dialect.ts';
import { PostgresDirectExecutor } from './postgres-direct-executor.ts';
import { readPostgresGauges } from './postgres-gauges.ts';
import { PostgresPool } from './postgres-pool.ts';
import { PostgresReplica } from './postgres-replica.ts';
import { ReplicaChoice } from './replica-choice.ts';
import { ReplicatedDialect } from './replicated-dialect.ts';
import { ReplicatedExecutor } from './replicated-executor.ts';
import { WritePosition } from './write-position.ts';

/** The servers behind one provider, as if they were one. */
export interface PostgresServers {
  /** The one that is written to, and where notifications are sent. */
  readonly primary: PostgresPool;
  readonly dialect: Dialect;
  readonly direct: DirectExecutor;
  /** As of `OpenEngine`; absent without replicas. */
  readonly noteForeignWrites?: () => void;
  stats(): PoolStats;
  gauges(): Promise<EngineGauges>;
  close(deadline: number): Promise<void>;
}

/**
 * Makes the pool of the primary, and one for each replica, which is read from where that changes no answer:
 * whoever has written through this provider reads what it wrote. Connects nothing.
 */
export function openServers(
  config: DatabaseConfig<'postgres', PostgresSettings>,
  context: EngineContext,
): PostgresServers {
  const { clock, logger } = context;
  const { replicas: settings, replicaMaxLag: maxLag } = config.connection;
  const executorOf = (pool: PostgresPool) =>
    new PostgresDirectExecutor(pool, { statementTimeout: config.statementTimeout, clock });
  const primary = new PostgresPool(config, context);
  const direct = executorOf(primary);
  if (settings.length === 0) {
    return {
      primary,
      dialect: new PostgresDialect(primary, clock),
      direct,
      stats: () => primary.stats(),
      gauges: () => readPostgresGauges({ primary, replicas: [], clock }),
      close: (deadline) => primary.close(deadline),
    };
  }
  const replicas = settings.map((server) => {
    const connection = { ...server, replicas: [], replicaMaxLag: maxLag };
    const pool = new PostgresPool({ ...config, connection }, context);
    return new PostgresReplica(pool, executorOf(pool), { maxLag, clock, logger });
  });
  const pools = [primary, ...replicas.map(({ pool }) => pool)];
  const close = async (deadline: number) => {
    await Promise.all(pools.map((pool) => pool.close(deadline)));
  };
  const position = new WritePosition(primary);
  const choice = new ReplicaChoice(replicas, position, clock);
  const { statementTimeout, pool: limits } = config;
  const operationTimeout = statementTimeout === 0 ? 0 : limits.acquireTimeout + statementTimeout;
  return {
    primary,
    dialect: new ReplicatedDialect(primary, choice, position, clock, close),
    direct: new ReplicatedExecutor(direct, choice, position, { operationTimeout, clock }),
    gauges: () => readPostgresGauges({ primary, replicas, clock }),
    noteForeignWrites: () => position.noteWrite(),
    stats: () => addStats(pools.map((pool) => pool.stats())),
    close,
  };
}

/** What several pools have together; the state is that of the first, the primary. */
function addStats([primary, ...others]: readonly PoolStats[]): PoolStats {
  return others.reduce(
    (sum, stats) => ({
      ...(stats.longestHold > sum.longestHold ? stats : sum),
      state: sum.state,
      size: sum.size + stats.size,
      busy: sum.busy + stats.busy,
      idle: sum.idle + stats.idle,
      waiting: sum.waiting + stats.waiting,
      max: sum.max + stats.max,
      longestWait: Math.max(sum.longestWait, stats.longestWait),
      created: sum.created + stats.created,
      retired: sum.retired + stats.retired,
      timeouts: sum.timeouts + stats.timeouts,
      acquired: sum.acquired + stats.acquired,
      waits: addSpreads([sum.waits, stats.waits]),
      heldTime: sum.heldTime + stats.heldTime,
      leaks: sum.leaks + stats.leaks,
      recentLeaks: [...sum.recentLeaks, ...stats.recentLeaks].sort((a, b) => a.at - b.at).slice(-5),
    }),
    primary!,
  );
}
