import type { PoolStats, Semaphore } from '../../src/core/index.ts';

/** The state of a pool of one connection behind a semaphore, for tests of the waiting line alone. */
export function statsOf(semaphore: Semaphore, more: Partial<PoolStats> = {}): PoolStats {
  const { held, ...waits } = semaphore.stats();
  return {
    state: 'running',
    size: held,
    busy: held,
    idle: 0,
    ...waits,
    max: 1,
    longestHold: 0,
    created: held,
    retired: 0,
    acquired: held,
    heldTime: 0,
    leaks: 0,
    recentLeaks: [],
    ...more,
  };
}
