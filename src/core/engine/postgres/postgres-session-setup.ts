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
 * Changes when the server comes back from a crash, and not with a restart: then it throws its statistics away
 * and notes the time. Whoever resets them by hand changes it as well, which does no harm.
 */
export const incarnation = '(select stats_reset::text from pg_stat_archiver)';

type Limits = Pick<DatabaseConfig, 'statementTimeout' | 'lockTimeout'>;

/**
 * Makes a new session ready in one round trip: its limits, how it reads strings, and whether the server
 * is new enough.
 *
 * @param limit the longest wait for the answer, in ms
 * @throws ConfigurationError where the server is older than PostgreSQL 15
 * @throws ConnectionError where the session ends before it is ready
 */
export async function setUpSession(session: PostgresSession, config: Limits, limit: number): Promise<void> {
  const { rows } = await session.run({
    text: `select current_setting('server_version_num')::integer as server,
      ${incarnation} as incarnation, ${ownSettings(config)}`,
    values: [],
    limit,
  });
  const { server, incarnation: life } = rows[0] as { server: number; incarnation: string | null };
  if (server < oldestServer) {
    throw new ConfigurationError(
      `liminal-data needs PostgreSQL 15 or newer, and this server is version ${Math.floor(server / 10_000)}. Upgrade the server.`,
    );
  }
  session.incarnation = life ?? undefined;
  session.serverVersion = server;
}

/** Learns of a new session what `settleLostCommit` needs, and changes nothing. @throws as `setUpSession` */
export async function meetSession(session: PostgresSession, _config: Limits, limit: number): Promise<void> {
  const { rows } = await session.run({ text: `select ${incarnation} as incarnation`, values: [], limit });
  session.incarnation = (rows[0]?.['incarnation'] as string | null) ?? undefined;
}

/**
 * Undoes in one round trip what SQL may have left in a session: cursors, another role, settings, listeners,
 * advisory locks, temporary tables and the memory of sequences. Unlike DISCARD ALL it keeps the prepared
 * statements.
 *
 * @param limit the longest wait for the answer, in ms
 * @throws whatever keeps it from being clean; the session must not be lent again then
 */
export async function cleanUpSession(session: PostgresSession, config: Limits, limit: number): Promise<void> {
  await session.run({
    text: `close all; set session authorization default; reset all; unlisten *;
      select pg_advisory_unlock_all(); discard temp; discard sequences; select ${ownSettings(config)}`,
    limit,
  });
}

function ownSettings({ statementTimeout, lockTimeout }: Limits): string {
  // For the server 0 is no limit; for us it means not to wait, and 1 ms is the least that it knows.
  const settings = {
    statement_timeout: statementTimeout,
    lock_timeout: Math.max(1, lockTimeout),
    idle_in_transaction_session_timeout: idleInTransactionTimeout,
    standard_conforming_strings: 'on',
    client_encoding: 'UTF8',
  };
  return Object.entries(settings)
    .map(([name, value]) => `set_config('${name}', '${value}', false)`)
    .join(', ');
}
