import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import type { LeaseListener, PoolListener } from '../foundation/pool-event.ts';
import type { PoolLeak, PoolStats } from '../foundation/pool-stats.ts';
import { noteHolding } from './holding.ts';

/** What a ledger needs to know. */
export interface LeaseLedgerOptions {
  /** From how long a connection that is held counts as leaked, in ms; 0 reports none. */
  readonly leakThreshold: number;
  /** Where times of holding come from. */
  readonly clock: Clock;
  /** Is warned of each leak. */
  readonly logger: Logger;
  /** Hears of each leak. */
  readonly onPoolEvent: PoolListener;
  /** Hears how long each connection was waited for and held. */
  readonly leases?: LeaseListener | undefined;
}

/** One connection that is lent. Made by `LeaseLedger.lend`, ended by `LeaseLedger.takeBack`. */
export interface Holding {
  /** The semaphore whose permit is held. */
  readonly line: object;
  /** Monotonic, in ms. */
  readonly since: number;
  /** Where it was taken. Its text is only made where somebody reads it: that costs more than the lease. */
  readonly origin: { readonly stack?: string } | undefined;
  /** The async context's own list of what it holds; undefined where none is kept. */
  readonly notes: Set<object> | undefined;
  /** Whether it was reported as a leak. */
  isReported: boolean;
}

/** Frames of a stack that says who took a connection: enough to get through Kysely to the caller. */
const stackDepth = 40;

/** How many leaks are remembered with their stacks. */
const keptLeaks = 5;

/**
 * Who holds a connection, since when, and where they took it. It finds leaks: a connection that is held for
 * longer than the threshold is reported once, while it is held. It lends nothing itself and takes nothing away.
 *
 * @example
 * await permits.acquire(signal);
 * const holding = ledger.lend(permits);
 * try {
 *   return await work();
 * } finally {
 *   ledger.takeBack(holding);
 *   permits.release();
 * }
 */
export class LeaseLedger {
  readonly #options: LeaseLedgerOptions;
  /**
   * In the order of lending, so the first is the oldest. Not a Set: one that is filled and emptied all the time leaves a
   * chain of its old tables, which the garbage collector moves on and on.
   */
  readonly #holdings: Holding[] = [];
  #cancelCheck: (() => void) | undefined;
  #heldTime = 0;
  #leaks = 0;
  readonly #recentLeaks: PoolLeak[] = [];

  /** @param options when a connection counts as leaked, and who hears of it */
  constructor(options: LeaseLedgerOptions) {
    this.#options = options;
  }

  /**
   * Notes a connection as lent. Call it in the async context of who holds it, behind `Semaphore.acquire`:
   * then a wait for another permit of the line, which might never end, is a NestedAcquireError.
   *
   * @param line the semaphore whose permit is held
   * @param askedAt when it was asked for, on the monotonic clock; undefined where it was there at once
   * @returns the note, for `takeBack`
   */
  lend(line: object, askedAt?: number): Holding {
    const { leakThreshold, clock, leases } = this.#options;
    const since = clock.monotonic();
    leases?.waited(since - (askedAt ?? since));
    const holding: Holding = {
      line,
      since,
      origin: leakThreshold > 0 ? captureOrigin() : undefined,
      notes: noteHolding(line),
      isReported: false,
    };
    this.#holdings.push(holding);
    if (leakThreshold > 0 && this.#cancelCheck === undefined) this.#checkIn(leakThreshold);
    return holding;
  }

  /**
   * Notes a connection as given back. Harmless when it is already.
   *
   * @param holding what `lend` returned
   */
  takeBack(holding: Holding): void {
    const place = this.#holdings.indexOf(holding);
    if (place === -1) return;
    this.#holdings.splice(place, 1);
    const held = this.#options.clock.monotonic() - holding.since;
    this.#heldTime += held;
    this.#options.leases?.held(held);
    holding.notes?.delete(holding.line);
    if (this.#cancelCheck === undefined || this.#holdings.length > 0) return;
    this.#cancelCheck();
    this.#cancelCheck = undefined;
  }

  /** @returns the holding that is the oldest at the moment, as `PoolStats` has it */
  stats(): Pick<PoolStats, 'longestHold' | 'longestHoldStack'> {
    const [oldest] = this.#holdings;
    if (oldest === undefined) return { longestHold: 0 };
    const longestHold = this.#options.clock.monotonic() - oldest.since;
    const stack = stackOf(oldest);
    return stack === undefined ? { longestHold } : { longestHold, longestHoldStack: stack };
  }

  /** @returns what has been counted so far, as `PoolStats` has it */
  totals(): Pick<PoolStats, 'heldTime' | 'leaks' | 'recentLeaks'> {
    return { heldTime: this.#heldTime, leaks: this.#leaks, recentLeaks: [...this.#recentLeaks] };
  }

  /** One timer, for the oldest that is not reported yet. It keeps no process alive. */
  #checkIn(delay: number): void {
    this.#cancelCheck = this.#options.clock.schedule(delay, () => this.#reportLeaks(), { keepsAlive: false });
  }

  #reportLeaks(): void {
    const { leakThreshold, clock, logger, onPoolEvent } = this.#options;
    this.#cancelCheck = undefined;
    const now = clock.monotonic();
    const leaks: Holding[] = [];
    for (const holding of this.#holdings) {
      if (holding.isReported) continue;
      const left = leakThreshold - (now - holding.since);
      if (left > 0) {
        this.#checkIn(left);
        break;
      }
      holding.isReported = true;
      leaks.push(holding);
    }
    for (const holding of leaks) {
      const heldFor = now - holding.since;
      const stack = stackOf(holding) ?? '';
      this.#leaks += 1;
      this.#recentLeaks.push({ at: clock.now(), heldFor, stack });
      if (this.#recentLeaks.length > keptLeaks) this.#recentLeaks.shift();
      logger.warn(
        { heldFor, leakThreshold, stack },
        'A connection is held for longer than pool.leakThreshold. `stack` says who took it.',
      );
      onPoolEvent({ type: 'leak', heldFor, stack });
    }
  }
}

function captureOrigin(): { readonly stack?: string } {
  const origin = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = stackDepth;
  Error.captureStackTrace(origin, captureOrigin);
  Error.stackTraceLimit = stackTraceLimit;
  return origin;
}

/** The frames of the callers: the first line would name an error, and there is none; the second is `lend`. */
function stackOf({ origin }: Holding): string | undefined {
  return origin?.stack?.split('\n').slice(2).join('\n');
}
