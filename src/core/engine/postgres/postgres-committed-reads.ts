import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { silentPoolListener } from '../../foundation/pool-event.ts';
import type { DirectExecutor } from '../direct-executor.ts';
import type { EngineContext } from '../engine.ts';
import { PostgresDirectExecutor } from './postgres-direct-executor.ts';
import { PostgresPool } from './postgres-pool.ts';

/** Reads on a connection beside the pool. */
export interface CommittedReads {
  readonly executor: DirectExecutor;
  close(deadline: number): Promise<void>;
}

/**
 * Makes the one connection of the primary that answers whoever holds a transaction: it must never wait for the pool,
 * since all of its connections may be held by callers who wait for just such an answer. It connects with the first
 * read and is let go when it lies idle.
 */
export function openCommittedReads(
  config: DatabaseConfig<'postgres', PostgresSettings>,
  context: EngineContext,
): CommittedReads {
  const { clock } = context;
  const pool = new PostgresPool(
    { ...config, pool: { ...config.pool, min: 0, max: 1 } },
    { ...context, onPoolEvent: silentPoolListener, leases: undefined },
  );
  return {
    executor: new PostgresDirectExecutor(pool, { statementTimeout: config.statementTimeout, clock }),
    close: (deadline) => pool.close(deadline),
  };
}
