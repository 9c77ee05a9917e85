import { PoolClosedError, PoolTimeoutError } from '../foundation/errors/connection-errors.ts';
import type { Clock } from '../foundation/clock.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';

/** What a semaphore needs to know. Times in ms. */
export interface SemaphoreOptions {
  /** How many may hold a permit at once; at least 1. */
  readonly permits: number;
  /** The longest wait for a permit. */
  readonly acquireTimeout: number;
  /** How many may wait at once. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  /** The state of the pool behind the permits, for the errors. */
  readonly poolStats: () => PoolStats;
}

/** What a semaphore counts. */
export interface SemaphoreStats {
  readonly held: number;
  readonly waiting: number;
  /** In ms. */
  readonly longestWait: number;
  /** Callers turned away, by the deadline or by a full line. */
  readonly timeouts: number;
}

interface Waiter {
  readonly since: number;
  grant(): void;
  refuse(error: Error): void;
}

/**
 * Lets a limited number of callers through at once and keeps the others waiting in the order in which
 * they came, each up to a deadline. It knows nothing of connections: who holds a permit may have one.
 */
export class Semaphore {
  readonly #options: SemaphoreOptions;
  readonly #line = new Set<Waiter>();
  #held = 0;
  #longestWait = 0;
  #timeouts = 0;
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(options: SemaphoreOptions) {
    this.#options = options;
  }

  /**
   * Waits for a permit, in turn. Whoever gets one must `release` it once.
   *
   * @throws PoolTimeoutError at the deadline, or at once where the waiting line is full
   * @throws PoolClosedError once `close` was called
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw closedError();
    signal?.throwIfAborted();
    if (this.#held < this.#options.permits && this.#line.size === 0) {
      this.#held += 1;
      return;
    }
    if (this.#line.size >= this.#options.maxWaiting) {
      this.#timeouts += 1;
      throw this.#timeoutError(`${this.#line.size} callers wait already, as many as pool.maxWaiting allows`);
    }
    await this.#wait(signal);
  }

  /** Gives a permit back; the first in line gets it. */
  release(): void {
    const next = this.#line.values().next().value;
    if (next !== undefined) {
      next.grant();
      return;
    }
    this.#held -= 1;
    if (this.#held === 0) this.#drained?.();
  }

  /** Turns away everybody who waits and everybody who comes. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#line) waiter.refuse(closedError());
  }

  /**
   * Waits until every permit is back, or until the deadline.
   *
   * @param deadline in ms from now
   * @returns whether every permit is back
   */
  async drain(deadline: number): Promise<boolean> {
    if (this.#held === 0) return true;
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(deadline, () => resolve(false));
      this.#drained = () => {
        cancel();
        resolve(true);
      };
    });
  }

  stats(): SemaphoreStats {
    return {
      held: this.#held,
      waiting: this.#line.size,
      longestWait: this.#longestWait,
      timeouts: this.#timeouts,
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { clock, acquireTimeout } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.delete(waiter);
        this.#longestWait = Math.max(this.#longestWait, clock.monotonic() - waiter.since);
        cancelDeadline();
        signal?.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        since: clock.monotonic(),
        grant() {
          leave();
          resolve();
        },
        refuse(error) {
          leave();
          reject(error);
        },
      };
      const abort = () => waiter.refuse(signal?.reason as Error);
      const cancelDeadline = clock.schedule(acquireTimeout, () => {
        this.#timeouts += 1;
        waiter.refuse(this.#timeoutError(`no connection became free within ${acquireTimeout} ms`));
      });
      signal?.addEventListener('abort', abort, { once: true });
      this.#line.add(waiter);
    });
  }

  #timeoutError(what: string): PoolTimeoutError {
    const stats = this.#options.poolStats();
    return new PoolTimeoutError(
      `A connection was asked for, but ${what} (${stats.busy} of ${stats.max} busy, ${stats.waiting} waiting). ` +
        'Shorten transactions, inside a transaction use the handle that it hands out, and raise pool.max where the engine keeps more than one connection (SQLite has one).',
      stats,
    );
  }
}

function closedError(): PoolClosedError {
  return new PoolClosedError('A connection was asked for after close() had begun.');
}
