import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { decodePercent } from './decode-percent.ts';

/** Settings of a URL, as text; the checks of the fields convert them. */
type UrlSettings = Record<string, Record<string, string>>;

/**
 * Reads a Postgres URL: who, where, which database, and the parameters that libpq gave their names.
 *
 * It is not read by `new URL`, which refuses an empty host beside a user (a Unix socket) and whose error
 * carries the URL, password and all.
 *
 * @param url without its query
 * @param parameters those that are understood are taken out
 * @throws ValidationError with every fault; it never repeats a part of the URL
 * @see PostgreSQL documentation, "34.1.1.2. Connection URIs" and "34.1.2. Parameter Key Words"
 */
export function readPostgresUrl(url: string, parameters: URLSearchParams): UrlSettings {
  const issues: Issue[] = [];
  const fromParameters = readParameters(parameters, issues);
  const fromAddress = readAddress(url, issues);
  if ('host' in fromAddress && 'host' in fromParameters.connection) {
    issues.push({ path: ['host'], message: 'is given twice, before the path and as a parameter' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return { ...fromParameters, connection: { ...fromAddress, ...fromParameters.connection } };
}

function readAddress(url: string, issues: Issue[]): Record<string, string> {
  const [, authority, path] = /^[^:]*:\/\/([^/]*)(?:\/(.*))?$/s.exec(url) ?? [];
  if (authority === undefined || path?.includes('/') || path?.includes('@')) {
    const form = 'postgres://user:password@host:port/database';
    issues.push({ path: [], message: `must have the form ${form}; percent-encode / and @ inside a part` });
    return {};
  }
  const at = authority.lastIndexOf('@');
  const [, user, password] = /^([^:]*):?(.*)$/s.exec(authority.slice(0, Math.max(at, 0))) ?? [];
  const [, address, port] = /^(\[[^\]]*\]|.*?)(?::([^:]*))?$/s.exec(authority.slice(at + 1)) ?? [];
  const host = address?.replace(/^\[(.*)\]$/, '$1');
  return decodeParts({ host, port, user, password, database: path }, issues);
}

/** A part that is left empty is not given. */
function decodeParts(parts: Record<string, string | undefined>, issues: Issue[]): Record<string, string> {
  const decoded: Record<string, string> = {};
  for (const [name, text] of Object.entries(parts)) {
    if (text === undefined || text === '') continue;
    try {
      decoded[name] = decodePercent(text);
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      issues.push({ path: ['connection', name], message: error.message });
    }
  }
  return decoded;
}

function readParameters(parameters: URLSearchParams, issues: Issue[]) {
  const connection: Record<string, string> = {};
  const pool: Record<string, string> = {};
  const host = takeParameter(parameters, 'host', issues);
  if (host !== undefined) connection['host'] = host;
  const applicationName = takeParameter(parameters, 'application_name', issues);
  if (applicationName !== undefined) connection['applicationName'] = applicationName;
  const tls = readSslMode(takeParameter(parameters, 'sslmode', issues), issues);
  if (tls !== undefined) connection['tls'] = tls;
  const binding = readChannelBinding(takeParameter(parameters, 'channel_binding', issues), issues);
  if (binding !== undefined) connection['channelBinding'] = binding;
  const scram = readRequiredAuth(takeParameter(parameters, 'require_auth', issues), issues);
  if (scram !== undefined) connection['scram'] = scram;
  const seconds = takeParameter(parameters, 'connect_timeout', issues);
  if (seconds !== undefined) pool['acquireTimeout'] = toMilliseconds(seconds, issues);
  if (takeParameter(parameters, 'sslrootcert', issues) !== undefined) {
    const message =
      'is not supported; give the certificate itself as connection.tlsCa, or its file as DATABASE_TLS_CA_FILE';
    issues.push({ path: ['sslrootcert'], message });
  }
  return { connection, pool };
}

function takeParameter(parameters: URLSearchParams, name: string, issues: Issue[]): string | undefined {
  const [value, ...more] = parameters.getAll(name);
  parameters.delete(name);
  if (more.length > 0) issues.push({ path: [name], message: 'is given more than once' });
  return value;
}

/** `require` checks the certificate too: encryption towards nobody in particular protects from few. */
function readSslMode(mode: string | undefined, issues: Issue[]): string | undefined {
  if (mode === undefined) return undefined;
  if (mode === 'disable') return 'insecure';
  if (['require', 'verify-ca', 'verify-full'].includes(mode)) return 'verify';
  const message =
    'must be verify-full (encrypted and checked; require and verify-ca mean the same here) or disable (in the clear); nothing that depends on what the server offers';
  issues.push({ path: ['sslmode'], message });
  return undefined;
}

/** `require` is what hosted databases write into their URLs; pg can ask for it and not insist. */
function readChannelBinding(word: string | undefined, issues: Issue[]): string | undefined {
  if (word === undefined) return undefined;
  if (word === 'disable') return 'false';
  if (word === 'prefer' || word === 'require') return 'true';
  issues.push({ path: ['channel_binding'], message: 'must be require, prefer or disable' });
  return undefined;
}

/** The one word of `require_auth` that has a counterpart here. */
function readRequiredAuth(word: string | undefined, issues: Issue[]): string | undefined {
  if (word === undefined) return undefined;
  if (word === 'scram-sha-256') return 'required';
  issues.push({
    path: ['require_auth'],
    message: 'must be scram-sha-256; leave it out to take what the server asks',
  });
  return undefined;
}

function toMilliseconds(seconds: string, issues: Issue[]): string {
  if (!/^\d+$/.test(seconds))
    issues.push({ path: ['connect_timeout'], message: 'must be a whole number of seconds' });
  return String(Number(seconds) * 1000);
}
