import { decorrelatedJitter } from '../../foundation/backoff.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { RedisClient, RedisConnection } from './redis-client.ts';

/** How a line works. */
export interface RedisLineOptions {
  readonly client: RedisClient;
  readonly clock: Clock;
  /** How long an answer may take, in ms. */
  readonly limit: number;
  /**
   * What is done with a connection before it is used. Where it fails, or takes longer than an answer may, the connection is
   * given up: a server that is slow stays unasked.
   */
  readonly prepare: (connection: RedisConnection) => Promise<void>;
  readonly onUp: () => void;
  /** @param reason a word, such as `late` or the first one of what the server says */
  readonly onDown: (reason: string) => void;
}

const connectLimit = 1_000;
const slices = 5;
const late = Symbol('late');

/**
 * A connection that nobody waits for longer than a limit. One that has not answered in time, has broken or was refused is given
 * up at once, and until another one stands nobody is asked: that is the breaker. Another one is tried in the background, which
 * is its half-open state.
 */
export class RedisLine {
  readonly #options: RedisLineOptions;
  readonly #nextDelay = decorrelatedJitter({ base: 20, cap: 1_000 });
  #standing: RedisConnection | undefined;
  #connecting: RedisConnection | undefined;
  #attempt: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;
  #lastReason: string | undefined;

  constructor(options: RedisLineOptions) {
    this.#options = options;
  }

  /** Whether it may be asked. */
  get isUp(): boolean {
    return this.#standing !== undefined;
  }

  /** Begins to connect. */
  start(): void {
    if (!this.#isClosed) void this.#try();
  }

  /**
   * Where it may not be asked, tries at once, and does not wait for the next attempt.
   *
   * @returns whether it may be asked now
   */
  async tryNow(): Promise<boolean> {
    if (!this.isUp && !this.#isClosed) {
      this.#cancelRetry?.();
      await this.#try();
    }
    return this.isUp;
  }

  /**
   * Asks the server.
   *
   * @param work is told the connection, and gives what is waited for
   * @returns undefined where there is no answer in time, or none at all
   */
  async ask<Answer>(work: (connection: RedisConnection) => Promise<Answer>): Promise<Answer | undefined> {
    const connection = this.#standing;
    if (connection === undefined) return undefined;
    try {
      const answer = await this.#inTime(work(connection), this.#options.limit);
      if (answer !== late) return answer;
      this.#drop(connection, 'late');
    } catch (error) {
      this.#drop(connection, wordOf(error));
    }
    return undefined;
  }

  /** Gives the connection up, where somebody doubts that it still hears, and makes another one. */
  reset(reason: string): void {
    if (this.#standing !== undefined) this.#drop(this.#standing, reason);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#connecting?.close();
    this.#standing?.close();
    this.#standing = undefined;
  }

  #try(): Promise<void> {
    this.#attempt ??= this.#connect().finally(() => {
      this.#attempt = undefined;
    });
    return this.#attempt;
  }

  async #connect(): Promise<void> {
    let hasEnded = false;
    let isReady = false;
    let connection: RedisConnection | undefined;
    let reason = 'late';
    try {
      connection = this.#options.client.connect(() => {
        hasEnded = true;
        if (connection !== undefined) this.#drop(connection, 'ended');
      });
      this.#connecting = connection;
      isReady = await this.#prepare(connection);
    } catch (error) {
      reason = wordOf(error);
    }
    this.#connecting = undefined;
    if (connection === undefined || !isReady || hasEnded || this.#isClosed) {
      connection?.close();
      this.#retry(hasEnded && isReady ? 'ended' : reason);
      return;
    }
    this.#standing = connection;
    this.#lastReason = undefined;
    this.#options.onUp();
  }

  /** @returns whether all of it was in time */
  async #prepare(connection: RedisConnection): Promise<boolean> {
    const { limit, prepare } = this.#options;
    if ((await this.#inTime(connection.ready, connectLimit)) === late) return false;
    return (await this.#inTime(prepare(connection), limit)) !== late;
  }

  #drop(connection: RedisConnection, reason: string): void {
    if (this.#standing !== connection) return;
    this.#standing = undefined;
    connection.close();
    this.#retry(reason);
  }

  #retry(reason: string): void {
    if (this.#isClosed) return;
    // Told once, and not for each attempt.
    if (this.#lastReason === undefined) this.#options.onDown(reason);
    this.#lastReason = reason;
    this.#cancelRetry = this.#options.clock.schedule(this.#nextDelay(), () => void this.#try(), {
      keepsAlive: false,
    });
  }

  async #inTime<Answer>(work: Promise<Answer>, limit: number): Promise<Answer | typeof late> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<typeof late>();
    let cancel: () => void;
    // In slices: while this process does something else, it has neither sent the question nor taken in the answer, and however
    // long that is, it counts as one of them. Timers come before the answers that lie there, hence a turn more.
    const slice = limit / slices;
    const wait = (left: number): void => {
      const begin = clock.monotonic();
      cancel = clock.schedule(Math.min(left, slice), () => {
        const rest = left - Math.min(clock.monotonic() - begin, slice * 1.5);
        if (rest > 0) wait(rest);
        else setImmediate(() => resolve(late));
      });
    };
    wait(limit);
    try {
      return await Promise.race([work, promise]);
    } finally {
      cancel!();
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
