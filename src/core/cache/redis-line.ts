import { decorrelatedJitter } from '../foundation/backoff.ts';
import type { Clock } from '../foundation/clock.ts';
import type { RedisClient, RedisConnection } from './redis-client.ts';

/** A connection that stands. */
export interface RedisSession {
  readonly connection: RedisConnection;
  /** The run of the server: it changes with each start, and where another server takes over. */
  readonly run: string;
}

/** How a line works. */
export interface RedisLineOptions {
  readonly client: RedisClient;
  readonly clock: Clock;
  /** How long an answer may take, in ms. */
  readonly limit: number;
  /** What is done with a connection before it is used; where it fails, the connection is given up. */
  readonly prepare: (session: RedisSession) => Promise<void>;
  readonly onUp: () => void;
  /** @param reason a word, such as `late` or the first one of what the server says */
  readonly onDown: (reason: string) => void;
}

const connectLimit = 1_000;
const late = Symbol('late');

/**
 * A connection that nobody waits for longer than a limit. One that has not answered in time, has broken or was refused is given
 * up at once, and until another one stands nobody is asked: that is the breaker. Another one is tried in the background, which
 * is its half-open state.
 */
export class RedisLine {
  readonly #options: RedisLineOptions;
  readonly #nextDelay = decorrelatedJitter({ base: 20, cap: 1_000 });
  #session: RedisSession | undefined;
  #connecting: RedisConnection | undefined;
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;
  #lastReason: string | undefined;

  constructor(options: RedisLineOptions) {
    this.#options = options;
  }

  /** Whether it may be asked. */
  get isUp(): boolean {
    return this.#session !== undefined;
  }

  /** Begins to connect. */
  start(): void {
    if (!this.#isClosed) void this.#connect();
  }

  /**
   * Asks the server.
   *
   * @param work is told the connection, and gives what is waited for
   * @returns undefined where there is no answer in time, or none at all
   */
  async ask<Answer>(work: (session: RedisSession) => Promise<Answer>): Promise<Answer | undefined> {
    const session = this.#session;
    if (session === undefined) return undefined;
    try {
      const answer = await this.#inTime(work(session), this.#options.limit);
      if (answer !== late) return answer;
      this.#drop(session, 'late');
    } catch (error) {
      this.#drop(session, wordOf(error));
    }
    return undefined;
  }

  /** Gives the connection up, where somebody doubts that it still hears, and makes another one. */
  reset(reason: string): void {
    if (this.#session !== undefined) this.#drop(this.#session, reason);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#connecting?.close();
    this.#session?.connection.close();
    this.#session = undefined;
  }

  async #connect(): Promise<void> {
    const { client, prepare, onUp } = this.#options;
    let hasEnded = false;
    let session: RedisSession | undefined;
    let connection: RedisConnection | undefined;
    let reason = 'late';
    try {
      connection = client.connect(() => {
        hasEnded = true;
        if (session !== undefined) this.#drop(session, 'ended');
      });
      this.#connecting = connection;
      const made = await this.#inTime(this.#prepare(connection, prepare), connectLimit);
      if (made !== late) session = made;
    } catch (error) {
      reason = wordOf(error);
    }
    this.#connecting = undefined;
    if (session === undefined || hasEnded || this.#isClosed) {
      connection?.close();
      this.#retry(hasEnded && session !== undefined ? 'ended' : reason);
      return;
    }
    this.#session = session;
    this.#lastReason = undefined;
    onUp();
  }

  async #prepare(connection: RedisConnection, prepare: RedisLineOptions['prepare']): Promise<RedisSession> {
    await connection.ready;
    const [, run] =
      /^run_id:([0-9a-f]{1,64})\r?$/m.exec(String(await connection.call('INFO', ['server']))) ?? [];
    if (run === undefined) throw new Error('NORUN');
    const session = { connection, run };
    await prepare(session);
    return session;
  }

  #drop(session: RedisSession, reason: string): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    session.connection.close();
    this.#retry(reason);
  }

  #retry(reason: string): void {
    if (this.#isClosed) return;
    // Told once, and not for each attempt.
    if (this.#lastReason === undefined) this.#options.onDown(reason);
    this.#lastReason = reason;
    this.#cancelRetry = this.#options.clock.schedule(this.#nextDelay(), () => void this.#connect(), {
      keepsAlive: false,
    });
  }

  async #inTime<Answer>(work: Promise<Answer>, limit: number): Promise<Answer | typeof late> {
    const { promise, resolve } = Promise.withResolvers<typeof late>();
    // A turn more: behind a long pause of this process timers come before the answers that lie there.
    const cancel = this.#options.clock.schedule(limit, () => setImmediate(() => resolve(late)));
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel();
    }
  }
}

/** The first word of what a server says is a code; the rest may repeat what it was sent. */
function wordOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  for (const text of [code, message]) {
    const [word] = typeof text === 'string' ? (/^[A-Z]{2,20}(?![a-z])/.exec(text) ?? []) : [];
    if (word !== undefined) return word;
  }
  return 'failed';
}
