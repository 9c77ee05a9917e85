import type { PostgresPool } from './postgres-pool.ts';

/** What the server can be asked to do to a session. */
export type BackendSignal = 'pg_cancel_backend' | 'pg_terminate_backend';

/**
 * Asks the server to cancel or end a session, over a connection beside the pool.
 *
 * @param isStillMeant asked when the connection stands: what was to be stopped may be over by then
 * @throws ConnectionError where the server cannot be asked within `pool.acquireTimeout`
 */
export async function signalBackend(
  pool: Pick<PostgresPool, 'withSessionBeside' | 'acquireTimeout'>,
  request: BackendSignal,
  processId: number,
  isStillMeant: () => boolean,
): Promise<void> {
  await pool.withSessionBeside(pool.acquireTimeout, async (session, left) => {
    if (!isStillMeant()) return;
    await session.run({ text: `select ${request}($1)`, values: [processId], limit: left });
  });
}
