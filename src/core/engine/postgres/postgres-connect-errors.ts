import type { PostgresConnection as PostgresSettings } from '../../config/postgres-config.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { copyConnectError, readDriverFields } from './postgres-error-fields.ts';

/**
 * Says why a connection could not be opened and what to check. It names host, port and database, never
 * the password.
 *
 * @param error what pg threw while it connected; an error of this library comes back as it is
 * @param settings where the connection was to go
 */
export function translateConnectError(error: unknown, settings: PostgresSettings): LiminalDataError {
  if (error instanceof LiminalDataError) return error;
  const { code, message } = readDriverFields(error);
  return new ConnectionError(`${describeTarget(settings)} ${explain(code, settings)}`, {
    cause: copyConnectError(error),
    retryable: mayComeRight(code, message),
  });
}

/** Says that no connection was ready in time. */
export function connectTimeout(settings: PostgresSettings, timeout: number): ConnectionError {
  return new ConnectionError(
    `${describeTarget(settings)} The server did not let us in within pool.acquireTimeout (${timeout} ms). Check host and port, and that no firewall swallows the traffic.`,
  );
}

/**
 * Whether waiting may help: the server starts, its name is not known yet, its slots are taken. Not so for a
 * wrong password, a certificate, or a database that is not there. Where there is no code, either the socket
 * was closed under way, as by a proxy whose server is not up yet, or pg itself did not want to go on.
 */
function mayComeRight(code: string | undefined, message: string | undefined): boolean {
  if (code === undefined) return message === 'Connection terminated unexpectedly';
  return passingCode.test(code);
}

const passingCode = /^(08(?!P01)|53|57P(?!04)|E(?!ACCES|PROTO|RR_)[A-Z_]+$)/;

function describeTarget({ host, port, database }: PostgresSettings): string {
  const place = host.startsWith('/')
    ? `${host} (port ${port})`
    : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `Could not connect to the Postgres database "${database}" at ${place}.`;
}

function explain(code: string | undefined, settings: PostgresSettings): string {
  if (code === undefined) {
    const tls =
      settings.tls === 'verify'
        ? 'connection.tls is "verify": check that the server offers TLS.'
        : 'Check that it is a Postgres server and that it does not insist on TLS.';
    return `The connection ended before it was ready. ${settings.password === undefined ? passwordHint : ''}${tls}`;
  }
  return `${reasonOf(code)} (${code})`;
}

function reasonOf(code: string): string {
  if (code.startsWith('28')) {
    return 'The server refused the role or its password: check connection.user and connection.password, and the server’s pg_hba.conf.';
  }
  if (certificateCode.test(code)) {
    return 'The certificate of the server could not be verified: check connection.host, or hand over its authority as connection.tlsCa.';
  }
  return reasons[code] ?? 'Check that the server runs and that the settings name it.';
}

// Where it has none to give, pg itself gives up, with an error that has no code.
const passwordHint =
  'No password is configured, and the server may ask for one: set connection.password or DATABASE_PASSWORD. ';

const certificateCode = /CERT|UNABLE_TO_|SELF_SIGNED|^ERR_(TLS|SSL)_/;

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nothing listens there: check that the server runs, and connection.host and connection.port.',
  ENOENT: 'There is no such socket: check that the server runs, and connection.host.',
  ENOTFOUND: 'The host name is unknown: check connection.host.',
  EAI_AGAIN: 'The host name could not be looked up: check connection.host and the name server.',
  ETIMEDOUT: 'Nothing answers there: check connection.host, connection.port and firewalls.',
  EHOSTUNREACH: 'There is no way to that host: check connection.host and the network.',
  ENETUNREACH: 'There is no way to that network: check connection.host and the network.',
  '3D000': 'There is no such database: check connection.database, or create it.',
  '53300': 'The server has no connection slot left: lower pool.max, or raise max_connections on the server.',
  '57P03': 'The server is starting or stopping: try again in a moment.',
};
