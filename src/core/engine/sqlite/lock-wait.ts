import { decorrelatedJitter } from '../../foundation/backoff.ts';
import type { Clock } from '../../foundation/clock.ts';
import { within } from '../../foundation/within.ts';

/**
 * Runs a synchronous step until no other process holds the lock that it needs. The waiting is
 * asynchronous: SQLite's own busy time-out sleeps in C and freezes the event loop for as long.
 *
 * @param step has no effect where it fails with SQLITE_BUSY, so that it may run again
 * @param timeout in ms; afterwards the driver's error is thrown
 * @param signal ends the wait with its reason
 */
export async function waitForLock<Result>(
  step: () => Result,
  timeout: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Result> {
  const nextDelay = decorrelatedJitter({ base: 1, cap: 25 });
  const start = clock.monotonic();
  for (;;) {
    try {
      return step();
    } catch (error) {
      const left = timeout - (clock.monotonic() - start);
      if (!isBusy(error) || left <= 0) throw error;
      await within(clock, Math.min(nextDelay(), left), new Promise<never>(() => {}), signal);
    }
  }
}

/**
 * Whether a step failed because another process holds a lock. BUSY_SNAPSHOT is not waited for: the transaction
 * has read what is no longer current and cannot go on.
 */
export function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_RECOVERY';
}
