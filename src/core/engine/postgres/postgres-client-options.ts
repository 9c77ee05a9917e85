import type { ClientConfig, CustomTypesConfig } from 'pg';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';

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
    ...(connection.password === undefined ? {} : { password: connection.password.reveal() }),
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

// With an object, and never `true`, PGSSLMODE and its weaker modes have no say.
function tlsOptions({ tls, tlsCa }: PostgresSettings): NonNullable<ClientConfig['ssl']> {
  if (tls === 'insecure') return false;
  return { rejectUnauthorized: true, ...(tlsCa === undefined ? {} : { ca: tlsCa }) };
}
