import { BlockList, isIPv6 } from 'node:net';
import type { LateSecret } from '../foundation/secret-source.ts';
import type { Secret } from '../foundation/secret.ts';
import type { ConfigSection } from './config-section.ts';
import type { EngineConfig } from './engine-config.ts';
import { expandReplica } from './postgres-replica-urls.ts';
import { readPostgresUrl } from './postgres-url.ts';

/** Where a Postgres server is, and how it is reached. */
export interface PostgresServer {
  /** Host name, address, or the folder of a Unix socket. `localhost` by default. */
  readonly host: string;
  /** From 1 to 65,535; 5432 by default. */
  readonly port: number;
  /** Database name; the user's by default. */
  readonly database: string;
  /** Role. `postgres` by default. */
  readonly user: string;
  /** Password, where the server asks for one. A late one is read anew for each connection. */
  readonly password: Secret | LateSecret | undefined;
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
  /**
   * Whether only SCRAM-SHA-256 proves who we are, and the server proves that it knows the password: `required` refuses
   * a server that asks for the password in the clear or by MD5, or that asks for nothing. `offered` answers as the
   * server asks. `offered` by default.
   */
  readonly scram: 'offered' | 'required';
  /** How the server's own views name these connections. `liminal-data` by default. */
  readonly applicationName: string;
  /**
   * Whether statements are prepared by name on the server and kept. `auto`: yes, until the server forgets them,
   * as a PgBouncer without support for them does. `off`: never. `auto` by default.
   */
  readonly prepare: 'auto' | 'off';
}

/** Where a Postgres database is. */
export interface PostgresConnection extends PostgresServer {
  /**
   * Servers that follow this one, for reads outside of transactions that go directly and for read-only
   * transactions. What one leaves out is as here. Each has a pool of its own, as large as this one's. None by
   * default.
   */
  readonly replicas: readonly PostgresServer[];
  /**
   * How far a replica may be behind before it is left out, in ms. From 0 (any lag is taken) to 24 h; 10,000 by
   * default. Whoever has written through this provider reads what it wrote, whatever the lag.
   */
  readonly replicaMaxLag: number;
}

/** Range and default of `connection.replicaMaxLag`. @internal but for the test of the docs */
export const replicaMaxLagOption = { min: 0, max: 24 * 60 * 60 * 1_000, default: 10_000 };

/** What a Postgres connection is where nothing is said. @internal but for the test of the docs */
export const postgresDefaults = {
  host: 'localhost',
  port: 5432,
  user: 'postgres',
  channelBinding: false,
  scram: 'offered',
  applicationName: 'liminal-data',
  prepare: 'auto',
} as const;

/** The configuration of Postgres. */
export const postgresConfig: EngineConfig<'postgres', PostgresConnection> = {
  type: 'postgres',
  schemes: ['postgres', 'postgresql'],
  fromUrl: readPostgresUrl,
  parseConnection,
  placeOf: ({ host, port, database }) => ({
    system: 'postgresql',
    namespace: database,
    address: host,
    // A Unix socket has none.
    port: host.startsWith('/') ? undefined : port,
  }),
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function parseConnection(section: ConfigSection): PostgresConnection {
  const primary = parseServer(section);
  const replicas = section.items('replicas', expandReplica).map((item) => {
    const replica = parseServer(item, primary);
    item.end();
    return replica;
  });
  const replicaMaxLag = section.integer('replicaMaxLag', replicaMaxLagOption);
  return { ...primary, replicas, replicaMaxLag };
}

/** @param primary what counts where nothing is said; undefined for the primary itself */
function parseServer(section: ConfigSection, primary?: PostgresServer): PostgresServer {
  const defaults = { ...postgresDefaults, ...primary };
  const host = parseHost(section, defaults.host);
  const port = section.integer('port', { min: 1, max: 65_535, default: defaults.port });
  const user = section.string('user') ?? defaults.user;
  const database = section.string('database') ?? primary?.database ?? user;
  const password = section.secretOrSource('password') ?? primary?.password;
  const applicationName = section.string('applicationName') ?? defaults.applicationName;
  const channelBinding = section.boolean('channelBinding', defaults.channelBinding);
  const scram = section.oneOf('scram', ['offered', 'required']) ?? defaults.scram;
  const prepare = section.oneOf('prepare', ['auto', 'off']) ?? defaults.prepare;
  const tls = parseTls(section, host, primary);
  return { host, port, user, database, password, ...tls, channelBinding, scram, applicationName, prepare };
}

function parseHost(section: ConfigSection, fallback: string): string {
  const host = section.string('host') ?? fallback;
  const isAddress = host.includes(':') ? isIPv6(host) : !/[\s/@,?#[\]]/.test(host);
  if (isAddress || isSocketFolder(host)) return host;
  section.fault('host', 'must be one host name, one address, or the absolute folder of a Unix socket');
  return fallback;
}

// A replica is never less protected than its primary by default, and `insecure` is not handed on: it may be
// right towards this machine and wrong towards another.
function parseTls(
  section: ConfigSection,
  host: string,
  primary: PostgresServer | undefined,
): Pick<PostgresServer, 'tls' | 'tlsCa'> {
  const asked = section.oneOf('tls', ['verify', 'insecure']);
  const tlsCa = section.string('tlsCa') ?? (asked === 'insecure' ? undefined : primary?.tlsCa);
  const isOpen = tlsCa === undefined && primary?.tls !== 'verify' && isThisMachine(host);
  const tls = asked ?? (isOpen ? 'insecure' : 'verify');
  if (tlsCa !== undefined && !isPem(tlsCa)) {
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

function isPem(text: string): boolean {
  const begin = text.indexOf('-----BEGIN CERTIFICATE-----');
  return begin >= 0 && text.lastIndexOf('-----END CERTIFICATE-----') > begin;
}

function isThisMachine(host: string): boolean {
  if (host.toLowerCase() === 'localhost' || isSocketFolder(host)) return true;
  return loopback.check(host, host.includes(':') ? 'ipv6' : 'ipv4');
}

function isSocketFolder(host: string): boolean {
  return host.startsWith('/');
}
