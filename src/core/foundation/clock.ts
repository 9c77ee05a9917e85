/**
 * Time as an argument: everything that waits, times or dates takes a `Clock`, so that tests can hold
 * time still. Durations are measured on the monotonic clock, which does not jump with the wall clock.
 */
export interface Clock {
  /** Wall time, in ms since the Unix epoch. For what is stored or shown. */
  now(): number;
  /** Monotonic time in ms from an arbitrary start. For durations and deadlines. */
  monotonic(): number;
  /**
   * Calls back once after `delay` ms, unless cancelled.
   *
   * @param options `keepsAlive: false` for a timer that nobody awaits, so that the process may end before it
   * @returns cancels the call; harmless when it has happened already
   */
  schedule(delay: number, callback: () => void, options?: { readonly keepsAlive?: boolean }): () => void;
}

/** The machine's own clock. Its timers keep the process alive unless told otherwise: somebody awaits them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delay, callback, { keepsAlive = true } = {}) {
    const timer = setTimeout(callback, delay);
    if (!keepsAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Waits.
 *
 * @param clock whose time is waited for
 * @param delay in ms
 * @returns resolves after the delay; never rejects
 */
export function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(delay, resolve);
  });
}
