import type { DurationSpread } from './duration-buckets.ts';

/** A connection that was held for longer than `pool.leakThreshold`. */
export interface PoolLeak {
  /** When it was reported, in ms since the Unix epoch. */
  readonly at: number;
  /** For how long it was held then, in ms. */
  readonly heldFor: number;
  /** Who took it. */
  readonly stack: string;
}

/** The state of a pool at one moment. Counters run from the creation of the pool. */
export interface PoolStats {
  /** `draining` once `close()` has begun, `closed` once every connection is. */
  readonly state: 'running' | 'draining' | 'closed';
  /** Open connections, busy or idle. */
  readonly size: number;
  /** Connections that are lent at the moment. */
  readonly busy: number;
  /** Connections that are open and not lent. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** The most connections that may be open. */
  readonly max: number;
  /** The longest time in ms that a caller has waited for a connection. */
  readonly longestWait: number;
  /** How long in ms the connection is held that is held longest at the moment; 0 where none is. */
  readonly longestHold: number;
  /** Where that connection was taken. Only where `pool.leakThreshold` is above 0. */
  readonly longestHoldStack?: string;
  /** Connections opened so far. */
  readonly created: number;
  /** Connections closed so far. */
  readonly retired: number;
  /** Callers turned away because no connection came in time or the waiting line was full. */
  readonly timeouts: number;
  /** Connections lent so far. What SQLite does at once, within one step, takes none. */
  readonly acquired: number;
  /** How long those have waited who had to, however it ended; all others have not waited. */
  readonly waits: DurationSpread;
  /** For how long in ms all connections were held together that were lent and have been given back. */
  readonly heldTime: number;
  /** Connections that were held for longer than `pool.leakThreshold` so far. */
  readonly leaks: number;
  /** The last of them, at most five, the newest last. */
  readonly recentLeaks: readonly PoolLeak[];
}
