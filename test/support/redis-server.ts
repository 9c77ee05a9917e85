/** The Redis servers of the tests: the one that runs on the machine, and own ones that may be hurt. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { isSwitchedOff } from './engines.ts';
import { reportNotRun } from './reporter.ts';
import { makeTempDirectory } from './temp-directory.ts';
import { until } from './until.ts';

/** The server that is shared with others: tests keep to keys of their own. */
export const sharedRedisUrl = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';

const answers = await canConnect(sharedRedisUrl);
/** Whether servers of one's own may be started. */
export const hasOwnRedis = hasProgram('redis-server');

/** Whether a Redis answers; where none does, the run says what did not run. */
export function hasSharedRedis(title: string): boolean {
  if (!answers) reportNotRun('redis', `${title}: no server at TEST_REDIS_URL, 127.0.0.1:6379 by default`);
  return answers;
}

/** Declares a suite where a Redis answers. */
export function describeOnRedis(title: string, body: () => void): void {
  if (hasSharedRedis(title) && !isSwitchedOff('sqlite-file')) describe(`${title} [redis]`, body);
}

/** Declares a suite where servers of its own may be started; elsewhere the run says so. */
export function describeOnOwnRedis(title: string, body: () => void): void {
  if (hasOwnRedis && !isSwitchedOff('sqlite-file')) describe(`${title} [redis]`, body);
  else reportNotRun('redis', `${title}: no redis-server on PATH`);
}

/** Why no server can be started here that speaks TLS; undefined where one can. */
export function tlsObstacle(): string | undefined {
  if (!hasOwnRedis) return 'no redis-server on PATH';
  // It is to listen nowhere, and says so; or that it does not know the word.
  const { stdout } = spawnSync('redis-server', ['--port', '0', '--tls-port', '0'], { encoding: 'utf8' });
  return stdout.includes('not listen anywhere') ? undefined : 'this redis-server was built without TLS';
}

/** A prefix that no other test has. */
export function freshPrefix(): string {
  return `liminal-test.${crypto.randomUUID()}`;
}

/** Runs work with a plain client. */
export async function withRedis<Result>(
  url: string,
  work: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(url, { lazyConnect: true });
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}

/** Takes away what a test has left on the shared server. */
export async function clearPrefix(prefix: string, url = sharedRedisUrl): Promise<void> {
  await withRedis(url, async (client) => {
    for await (const keys of client.scanStream({ match: `${prefix}:*`, count: 1_000 })) {
      if ((keys as string[]).length > 0) await client.unlink(keys as string[]);
    }
  });
}

/** A server of a test's own. */
export class OwnRedis {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #folder = makeTempDirectory('redis');
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** Starts one on a free port, that keeps nothing on disk unless it is told to. */
  static async start(args: readonly string[] = []): Promise<OwnRedis> {
    const server = new OwnRedis(await freePort(), args);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it again, with what it has saved. */
  async start(): Promise<void> {
    const settings = ['--save', '', '--appendonly', 'no', '--dir', this.#folder, '--bind', '127.0.0.1'];
    this.#child = spawn(
      'redis-server',
      ['--port', `${this.port}`, ...settings, '--pidfile', join(this.#folder, 'pid'), ...this.#args],
      { stdio: 'ignore' },
    );
    running.add(this.#child);
    await until(() => isListening(this.port));
  }

  /** It hangs: connections stand, and nobody answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    running.delete(child);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

async function canConnect(url: string): Promise<boolean> {
  try {
    return await withRedis(url, async (client) => (await client.ping()) === 'PONG');
  } catch {
    return false;
  }
}

/** It answers, if only to ask for a password. */
async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write('PING\r\n');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    return /^(\+PONG|-NOAUTH)/.test(reply.toString());
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function hasProgram(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
