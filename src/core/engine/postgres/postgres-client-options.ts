import type { ClientConfig, CustomTypesConfig } from 'pg';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { Secret } from '../../foundation/secret.ts';

/** What pg calls a configuration, with what its types leave out. */
export type PostgresClientOptions = ClientConfig & { readonly enableChannelBinding: boolean };

/** The first probe of a silent connection, in ms: before the 5 min after which many firewalls forget one. */
const keepAliveDelay = 60_000;

/**
 * The settings of a pg client. They hold the password: nothing may print them or hand them out. Where no
 * password is given, pg itself looks into PGPASSWORD and ~/.pgpass.
 *
 * @param config the whole configuration
 * @param types the parsers of this pool
 */
export function postgresClientOptions(
  config: DatabaseConfig<'postgres', PostgresSettings>,
  types: CustomTypesConfig,
): PostgresClientOptions {
  const { connection, pool } = config;
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    ...passwordOption(connection, pool.acquireTimeout),
    ssl: tlsOptions(connection),
    enableChannelBinding: connection.channelBinding,
    application_name: connection.applicationName,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveDelay,
    // Our own deadline is the shorter one, so that its error is what the caller reads; this one frees the socket.
    connectionTimeoutMillis: pool.acquireTimeout + 100,
    types,
  };
}

/** Of the time for a connection, so that whoever gives no password is named and not the server. */
const shareOfPassword = 0.9;

/** pg asks a function whenever a server asks for a password, so that a new one needs no new start. */
function passwordOption({ password }: PostgresSettings, timeout: number): Pick<ClientConfig, 'password'> {
  if (password === undefined) return {};
  if (password instanceof Secret) return { password: password.reveal() };
  const name = 'connection.password';
  return {
    password: async () =>
      (await password.read({ timeout: Math.ceil(timeout * shareOfPassword), name })).reveal(),
  };
}

// With an object, and never `true`, PGSSLMODE and its weaker modes have no say.
function tlsOptions({ tls, tlsCa }: PostgresSettings): NonNullable<ClientConfig['ssl']> {
  if (tls === 'insecure') return false;
  return { rejectUnauthorized: true, ...(tlsCa === undefined ? {} : { ca: tlsCa }) };
}
