import type { Logger } from './logger.ts';

/** Something that happened in a pool, for whoever counts or warns. Times in ms. */
export type PoolEvent =
  /** A connection was opened. */
  | { readonly type: 'created' }
  /** A connection was closed, and why. */
  | { readonly type: 'retired'; readonly reason: RetirementReason }
  /** A caller was turned away: by the deadline, or because the waiting line was full. */
  | { readonly type: 'timeout'; readonly waited: number }
  /** A connection has been held for longer than `pool.leakThreshold`. `stack` says who took it. */
  | { readonly type: 'leak'; readonly heldFor: number; readonly stack: string };

/** Hears of every connection that is lent. It must not throw; it runs inside of the pool. */
export interface LeaseListener {
  /** A caller has got one. @param wait how long that took, in ms; 0 where one was free */
  waited(wait: number): void;
  /** One was given back. @param duration how long it was held, in ms */
  held(duration: number): void;
}

/** Why a connection was closed. */
export type RetirementReason = 'idle' | 'lifetime' | 'lost' | 'unclean' | 'closed';

/** Hears what happens in a pool. It must not throw; it runs inside of the pool. */
export type PoolListener = (event: PoolEvent) => void;

/**
 * Keeps a listener of the application's from breaking the pool: what it throws goes to the logger.
 *
 * @returns a listener that does not throw
 */
export function guardPoolListener(listener: PoolListener, logger: Logger): PoolListener {
  return (event) => {
    try {
      listener(event);
    } catch (error) {
      logger.error({ error, event: event.type }, 'onPoolEvent has thrown');
    }
  };
}

/** Hears nothing. The default. */
export const silentPoolListener: PoolListener = () => {};
