/**
 * Delays of a retry: exponential with decorrelated jitter, so that callers who failed together do not
 * come back together.
 *
 * @param options `base` and `cap` in ms (0 < base ≤ cap); `random` gives numbers in [0, 1)
 * @returns a function that gives the next delay in ms, between `base` and `cap`
 * @see Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 ("decorrelated jitter")
 * @example
 * const nextDelay = decorrelatedJitter({ base: 1, cap: 50 });
 * nextDelay(); // 1 … 3
 */
export function decorrelatedJitter(options: {
  base: number;
  cap: number;
  random?: () => number;
}): () => number {
  const { base, cap, random = Math.random } = options;
  let previous = base;
  return () => {
    previous = Math.min(cap, base + random() * (previous * 3 - base));
    return previous;
  };
}
