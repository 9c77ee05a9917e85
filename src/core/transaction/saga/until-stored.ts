import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep, type Clock } from '../../foundation/clock.ts';
import { isLiminalDataError } from '../../foundation/errors/liminal-data-error.ts';

const pauses = { base: 10, cap: 500 };
/** For how long at most it is tried where whoever waits was told to end, in ms. */
const farewell = 1_000;

/**
 * Does work on the journal that may be done twice, again and again while the database is away or busy.
 *
 * @param patience for how long it begins another try, in ms
 * @param signal tells to end: there is a second left then at most, since closing must not take as long as a lease
 * @throws the signal's reason where that has ended it; else the last error, and at once one that waiting does not mend
 */
export async function untilStored<Result>(
  clock: Clock,
  patience: number,
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const start = clock.monotonic();
  const nextPause = decorrelatedJitter(pauses);
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const spent = clock.monotonic() - start;
      if (!mayGoAway(error) || spent >= patience) throw error;
      if (signal?.aborted === true && spent >= farewell) throw signal.reason;
    }
    await sleep(clock, nextPause());
  }
}

function mayGoAway(error: unknown): boolean {
  // A journal's write says what is, so that it may be done again also where it was committed.
  return (
    isLiminalDataError(error) &&
    (error.retryable || isLiminalDataError(error, 'LIMINAL_COMMIT_OUTCOME_UNKNOWN'))
  );
}
