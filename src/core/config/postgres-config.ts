import { BlockList, isIPv6 } from 'node:net';
import type { Secret } from '../foundation/secret.ts';
import type { ConfigSection } from './config-section.ts';
import type { EngineConfig } from './engine-config.ts';
import { readPostgresUrl } from './postgres-url.ts';

/** Where a Postgres database is. */
export interface PostgresConnection {
  /** Host name, address, or the folder of a Unix socket. `localhost` by default. */
  readonly host: string;
  /** From 1 to 65,535; 5432 by default. */
  readonly port: number;
  /** Database name; the user's by default. */
  readonly database: string;
  /** Role. `postgres` by default. */
  readonly user: string;
  /** Password, where the server asks for one. */
  readonly password: Secret | undefined;
  /**
   * `verify` encrypts and checks the certificate and the host name; `insecure` sends everything in the
   * clear. By default `insecure` for this machine (loopback, Unix socket) and `verify` for any other, and
   * wherever a `tlsCa` is given.
   */
  readonly tls: 'verify' | 'insecure';
  /** Certificate authority in PEM form, where the system's own do not vouch for the server. */
  readonly tlsCa: string | undefined;
  /**
   * Whether a password exchange is tied to the certificate of the server (SCRAM-SHA-256-PLUS) where the server
   * offers that. It cannot be insisted on. `false` by default.
   */
  readonly channelBinding: boolean;
  /** How the server's own views name these connections. `liminal-data` by default. */
  readonly applicationName: string;
}

/** What a Postgres connection is where nothing is said. */
export const postgresDefaults = {
  host: 'localhost',
  port: 5432,
  user: 'postgres',
  channelBinding: false,
  applicationName: 'liminal-data',
} as const;

/** The configuration of Postgres. */
export const postgresConfig: EngineConfig<'postgres', PostgresConnection> = {
  type: 'postgres',
  schemes: ['postgres', 'postgresql'],
  fromUrl: readPostgresUrl,
  parseConnection,
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function parseConnection(section: ConfigSection): PostgresConnection {
  const host = parseHost(section);
  const port = section.integer('port', { min: 1, max: 65_535, default: postgresDefaults.port });
  const user = section.string('user') ?? postgresDefaults.user;
  const database = section.string('database') ?? user;
  const password = section.secret('password');
  const applicationName = section.string('applicationName') ?? postgresDefaults.applicationName;
  const channelBinding = section.boolean('channelBinding', postgresDefaults.channelBinding);
  const tls = parseTls(section, host);
  return { host, port, user, database, password, ...tls, channelBinding, applicationName };
}

function parseHost(section: ConfigSection): string {
  const host = section.string('host') ?? postgresDefaults.host;
  const isAddress = host.includes(':') ? isIPv6(host) : !/[\s/@,?#[\]]/.test(host);
  if (isAddress || isSocketFolder(host)) return host;
  section.fault('host', 'must be one host name, one address, or the absolute folder of a Unix socket');
  return postgresDefaults.host;
}

function parseTls(section: ConfigSection, host: string): Pick<PostgresConnection, 'tls' | 'tlsCa'> {
  const tlsCa = section.string('tlsCa');
  const byDefault = tlsCa === undefined && isThisMachine(host) ? 'insecure' : 'verify';
  const tls = section.oneOf('tls', ['verify', 'insecure']) ?? byDefault;
  if (tlsCa !== undefined && !/-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----/.test(tlsCa)) {
    section.fault('tlsCa', 'must be a certificate in PEM form, the text itself and not a path');
  }
  if (tlsCa !== undefined && tls === 'insecure') {
    section.fault('tls', 'must be verify where a tlsCa is given');
  }
  if (tls === 'verify' && isSocketFolder(host)) {
    section.fault(
      'tls',
      'must be insecure, and tlsCa left out, for a Unix socket: the server does not encrypt it',
    );
  }
  return { tls, tlsCa };
}

function isThisMachine(host: string): boolean {
  if (host.toLowerCase() === 'localhost' || isSocketFolder(host)) return true;
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

function isSocketFolder(host: string): boolean {
  return host.startsWith('/');
}
