import { systemClock, type Clock } from '../../src/core/index.ts';

/**
 * The machine's clock, some times slower: all limits are that much longer. For what has to hold as long as nothing
 * comes too late, on a machine that is busy with other things.
 */
export function slowClock(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic() / factor,
    schedule: (delay, callback, options) => systemClock.schedule(delay * factor, callback, options),
  };
}
