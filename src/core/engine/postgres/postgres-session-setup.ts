import type { DatabaseConfig } from '../../config/database-config.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { PostgresSession } from './postgres-session.ts';

const oldestServer = 150_000;

/**
 * How long a transaction may lie idle before the server ends it, in ms: whoever forgot one, or waits for
 * another service inside of it, holds its locks and keeps the server from cleaning up.
 */
const idleInTransactionTimeout = 60_000;

/**
 * Makes a new session ready in one round trip: its limits, how it reads strings, and whether the server
 * is new enough.
 *
 * @param limit the longest wait for the answer, in ms
 * @throws ConfigurationError where the server is older than PostgreSQL 15
 * @throws ConnectionError where the session ends before it is ready
 */
export async function setUpSession(
  session: PostgresSession,
  config: Pick<DatabaseConfig, 'statementTimeout' | 'lockTimeout'>,
  limit: number,
): Promise<void> {
  const { rows } = await session.run({
    text: `select pg_backend_pid() as process_id,
      current_setting('server_version_num')::integer as server,
      set_config('statement_timeout', $1, false),
      set_config('lock_timeout', $2, false),
      set_config('idle_in_transaction_session_timeout', $3, false),
      set_config('standard_conforming_strings', 'on', false),
      set_config('client_encoding', 'UTF8', false)`,
    // For the server 0 is no limit; for us it means not to wait, and 1 ms is the least that it knows.
    values: [config.statementTimeout, Math.max(1, config.lockTimeout), idleInTransactionTimeout].map(String),
    limit,
  });
  const { process_id: processId, server } = rows[0] as { process_id: number; server: number };
  if (server < oldestServer) {
    throw new ConfigurationError(
      `liminal-data needs PostgreSQL 15 or newer, and this server is version ${Math.floor(server / 10_000)}. Upgrade the server.`,
    );
  }
  session.processId = processId;
}
