import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, type Clock } from '../foundation/clock.ts';
import { ConnectionError } from '../foundation/errors/connection-errors.ts';
import type { Logger } from '../foundation/logger.ts';
import { within } from '../foundation/within.ts';

/** How to wait for a database. */
export interface DatabaseWait {
  /** In ms; 0 tries once, for as long as the engine lets one attempt take. */
  readonly deadline: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Pauses between attempts, in ms: the first is over soon, and a fleet that starts together spreads out. */
const pauses = { base: 25, cap: 500 };

/**
 * Waits for a database that is not up yet: tries until it answers, pausing in between.
 *
 * @param connect asks the database for anything
 * @throws ConnectionError that of the last attempt, at the deadline; at once where waiting cannot help
 *   (`retryable` is false)
 * @throws whatever else `connect` throws, at once
 */
export async function waitForDatabase(
  connect: () => Promise<unknown>,
  { deadline, clock, logger }: DatabaseWait,
): Promise<void> {
  if (deadline === 0) {
    await connect();
    return;
  }
  const end = clock.monotonic() + deadline;
  const nextPause = decorrelatedJitter(pauses);
  let failure = new ConnectionError(`The database has not answered within ${deadline} ms.`);
  for (let attempt = 1; ; attempt += 1) {
    const left = end - clock.monotonic();
    if (left <= 0) throw failure;
    try {
      if (await within(clock, left, connect().then(hasAnswered))) return;
    } catch (error) {
      if (!(error instanceof ConnectionError && error.retryable)) throw error;
      failure = error;
      const pause = Math.max(0, Math.min(nextPause(), end - clock.monotonic()));
      logger.info({ attempt, pause, reason: error.message }, 'the database cannot be reached yet');
      await sleep(clock, pause);
    }
  }
}

const hasAnswered = () => true;
