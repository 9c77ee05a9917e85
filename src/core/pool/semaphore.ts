import { NestedAcquireError, PoolTimeoutError } from '../foundation/errors/connection-errors.ts';
import type { Clock } from '../foundation/clock.ts';
import { DurationBuckets, type DurationSpread } from '../foundation/duration-buckets.ts';
import { silentPoolListener, type PoolListener } from '../foundation/pool-event.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import { isHolding } from './holding.ts';
import { poolClosed } from './pool-closed.ts';

/** What a semaphore needs to know. Times in ms. */
export interface SemaphoreOptions {
  /** How many may hold a permit at once; at least 1. */
  readonly permits: number;
  /** The longest wait for a permit. */
  readonly acquireTimeout: number;
  /** How many may wait at once. */
  readonly maxWaiting: number;
  /** Where waits get their time from. */
  readonly clock: Clock;
  /** The state of the pool behind the permits, for the errors. */
  readonly poolStats: () => PoolStats;
  /** Hears of every caller who is turned away. */
  readonly onPoolEvent?: PoolListener;
}

/** What a semaphore counts. */
export interface SemaphoreStats {
  /** Permits that somebody holds. */
  readonly held: number;
  /** Callers who wait for one. */
  readonly waiting: number;
  /** In ms. */
  readonly longestWait: number;
  /** How long those have waited who had to. */
  readonly waits: DurationSpread;
  /** Callers turned away, by the deadline or by a full line. */
  readonly timeouts: number;
}

interface Waiter {
  /** Monotonic, in ms. */
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Takes the listener off the caller's signal. */
  readonly forgetSignal: (() => void) | undefined;
}

/**
 * Lets a limited number of callers through at once and keeps the others waiting in the order in which
 * they came, each up to a deadline. It knows nothing of connections: who holds a permit may have one.
 */
export class Semaphore {
  readonly #options: SemaphoreOptions;
  readonly #line = new Set<Waiter>();
  /** Stays where it is between the calls: from the start, it would pass everybody who has left, each time. */
  readonly #order = this.#line.values();
  #held = 0;
  #longestWait = 0;
  readonly #waits = new DurationBuckets();
  #timeouts = 0;
  #closed = false;
  /** Called when every permit is back. */
  readonly #drained = new Set<() => void>();
  #cancelDeadline: (() => void) | undefined;

  /** @param options how many permits there are, and how long they are waited for */
  constructor(options: SemaphoreOptions) {
    this.#options = options;
  }

  /**
   * Takes a permit where one is free, at once; then nobody waits. Whoever gets one must `release` it once.
   *
   * @returns whether it took one; false also once `close` was called
   */
  tryAcquire(): boolean {
    if (this.#closed || this.#held >= this.#options.permits) return false;
    this.#held += 1;
    return true;
  }

  /**
   * Waits for a permit, in turn. Whoever gets one must `release` it once.
   *
   * @param signal ends the wait with its reason
   * @throws PoolTimeoutError at the deadline, or at once where the waiting line is full
   * @throws PoolClosedError once `close` was called
   * @throws NestedAcquireError where it would have to wait and the running work holds a permit already
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw poolClosed();
    signal?.throwIfAborted();
    if (this.tryAcquire()) return;
    if (isHolding(this)) throw nestedError();
    if (this.#line.size >= this.#options.maxWaiting) {
      throw this.#turnAway(0, `${this.#line.size} callers wait already, as many as pool.maxWaiting allows`);
    }
    await this.#wait(signal);
  }

  /** Gives a permit back; the first in line gets it. */
  release(): void {
    const next = this.#first();
    if (next !== undefined) {
      this.#leave(next);
      next.resolve();
      return;
    }
    this.#held -= 1;
    if (this.#held === 0) for (const drained of this.#drained) drained();
  }

  /** Turns away everybody who waits and everybody who comes. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#line) {
      this.#leave(waiter);
      waiter.reject(poolClosed());
    }
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
      const end = (isDrained: boolean) => {
        this.#drained.delete(drained);
        cancel();
        resolve(isDrained);
      };
      const drained = () => end(true);
      const cancel = this.#options.clock.schedule(deadline, () => end(false));
      this.#drained.add(drained);
    });
  }

  /** How many wait for a permit. */
  get waiting(): number {
    return this.#line.size;
  }

  /** @returns the counts as of now */
  stats(): SemaphoreStats {
    return {
      held: this.#held,
      waiting: this.#line.size,
      longestWait: this.#longestWait,
      waits: this.#waits.spread(),
      timeouts: this.#timeouts,
    };
  }

  #first(): Waiter | undefined {
    // Asked of an empty line, the iterator would end for good.
    return this.#line.size === 0 ? undefined : this.#order.next().value;
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { clock, acquireTimeout } = this.#options;
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#leave(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        since: clock.monotonic(),
        resolve,
        reject,
        forgetSignal: signal && (() => signal.removeEventListener('abort', abort)),
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#line.add(waiter);
      this.#cancelDeadline ??= clock.schedule(acquireTimeout, () => this.#refuseLate());
    });
  }

  #leave(waiter: Waiter): void {
    this.#line.delete(waiter);
    const waited = this.#options.clock.monotonic() - waiter.since;
    if (waited > this.#longestWait) this.#longestWait = waited;
    this.#waits.record(waited);
    waiter.forgetSignal?.();
    if (this.#line.size > 0) return;
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  /** All wait equally long, so the first in line is due first, and one timer does for all. */
  #refuseLate(): void {
    const { clock, acquireTimeout } = this.#options;
    this.#cancelDeadline = undefined;
    for (const waiter of this.#line) {
      const waited = clock.monotonic() - waiter.since;
      if (waited < acquireTimeout) {
        this.#cancelDeadline ??= clock.schedule(acquireTimeout - waited, () => this.#refuseLate());
        return;
      }
      this.#leave(waiter);
      waiter.reject(this.#turnAway(waited, `no connection became free within ${acquireTimeout} ms`));
    }
  }

  /** Counts a caller who is turned away, and says why. */
  #turnAway(waited: number, what: string): PoolTimeoutError {
    const { poolStats, onPoolEvent = silentPoolListener } = this.#options;
    this.#timeouts += 1;
    onPoolEvent({ type: 'timeout', waited });
    const stats = poolStats();
    return new PoolTimeoutError(
      `A connection was asked for, but ${what} (${describe(stats)}). ` +
        'Shorten transactions, inside a transaction use the handle that it hands out, and raise pool.max where the database can serve more.' +
        (stats.longestHoldStack === undefined
          ? ''
          : `\nThe connection that is held longest was taken\n${stats.longestHoldStack}`),
      stats,
    );
  }
}

function describe({ size, busy, waiting, max, longestHold }: PoolStats): string {
  const held = busy > 0 ? `, the longest held for ${Math.round(longestHold)} ms` : '';
  return `${size} of at most ${max} open, ${busy} busy${held}, ${waiting} waiting`;
}

function nestedError(): NestedAcquireError {
  return new NestedAcquireError(
    'A transaction asked for another connection of its own pool, and none is free: it might wait for itself. Inside a transaction use the handle that it hands out, as { on: tx }.',
  );
}
