import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep } from '../foundation/clock.ts';
import { DatabaseBusyError } from '../foundation/errors/transaction-errors.ts';
import type { MigrationLockOptions } from './migration-lock.ts';

const firstPause = 10;
const longestPause = 250;

/**
 * Asks for something until it is granted or the time is up.
 *
 * @param ask whether it was granted
 * @throws DatabaseBusyError where it was not granted in time
 */
export async function waitForLock(
  { timeout, clock }: MigrationLockOptions,
  ask: () => Promise<boolean>,
): Promise<void> {
  const start = clock.monotonic();
  const nextDelay = decorrelatedJitter({ base: firstPause, cap: longestPause });
  while (!(await ask())) {
    if (clock.monotonic() - start >= timeout) throw lockedError(timeout);
    await sleep(clock, nextDelay());
  }
}

/** @param timeout how long it was waited for, in ms */
function lockedError(timeout: number): DatabaseBusyError {
  return new DatabaseBusyError(
    `This database is being migrated by another process for longer than ${timeout} ms. Wait for it; "liminal-data migrate unlock" tells who it is.`,
  );
}
