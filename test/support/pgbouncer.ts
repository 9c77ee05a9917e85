/** A PgBouncer in transaction mode in front of a server, where the machine has one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { until } from './until.ts';

const places = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** The program; undefined where it is not installed. */
export const pgbouncer = places.map((place) => join(place, 'pgbouncer')).find((path) => existsSync(path));

/** It refuses to run as root. */
const nobody = 65_534;

export interface Pooler {
  /** The URL of the same database through the pooler. */
  urlOf(url: string): string;
  stop(): Promise<void>;
}

/** Starts it in front of the server of a URL. */
export async function startPooler(serverUrl: string): Promise<Pooler> {
  // Where its user may read.
  const folder = mkdtempSync(join(tmpdir(), 'liminal-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await findFreePort();
  const { hostname, port: serverPort, username, password } = new URL(serverUrl);
  const config = join(folder, 'pgbouncer.ini');
  const login = password === '' ? '' : ` password=${decodeURIComponent(password)}`;
  writeFileSync(
    config,
    `[databases]
* = host=${hostname} port=${serverPort || '5432'} user=${username || 'postgres'}${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`,
  );
  const child = spawn(pgbouncer ?? '', [config], {
    stdio: 'ignore',
    ...(process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}),
  });
  const urlOf = (url: string): string => {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(port);
    // A transaction has another session than the one before it, which knows nothing of what was prepared there.
    through.searchParams.set('connection.prepare', 'off');
    return through.href;
  };
  await until(() => canConnect(port, serverUrl), 10_000);
  return {
    urlOf,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function canConnect(port: number, serverUrl: string): Promise<boolean> {
  const url = new URL(serverUrl);
  url.port = String(port);
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
