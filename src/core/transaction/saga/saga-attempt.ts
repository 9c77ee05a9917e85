import type { Clock } from '../../foundation/clock.ts';
import { SagaStepTimeoutError } from '../../foundation/errors/saga-errors.ts';
import { within } from '../../foundation/within.ts';

/** What bounds an attempt. */
export interface AttemptLimits {
  readonly clock: Clock;
  /** The step's name, for the error. */
  readonly step: string;
  /** In ms; infinity for none. */
  readonly timeout: number;
  /** Ends the attempt as well, with its reason. */
  readonly signal: AbortSignal;
}

/** How long a step that was told to end may take to do so, in ms: attempts shall not overlap. */
const grace = 1_000;

/**
 * Runs one attempt of a step. One that does not end when its signal is aborted is given up after a moment:
 * it may go on, and what it gives then is nobody's.
 *
 * @returns what the work gives; also where it was told to end and gave it nevertheless, but not after the timeout
 * @throws what the work throws, SagaStepTimeoutError, or the signal's reason
 */
export async function runAttempt(
  work: (signal: AbortSignal) => unknown,
  { clock, step, timeout, signal }: AttemptLimits,
): Promise<unknown> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  const end = () => attempt.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  let isLate = false;
  const cancel =
    timeout === Number.POSITIVE_INFINITY
      ? undefined
      : clock.schedule(timeout, () => {
          isLate = true;
          attempt.abort(new SagaStepTimeoutError(step, timeout));
        });
  const told = Promise.withResolvers<'told'>();
  attempt.signal.addEventListener('abort', () => told.resolve('told'), { once: true });
  const given = settle(() => work(attempt.signal));
  try {
    const first = await Promise.race([given, told.promise]);
    const last = first === 'told' ? await within(clock, grace, given) : first;
    if (attempt.signal.aborted && (isLate || last === undefined || 'error' in last)) {
      throw attempt.signal.reason as Error;
    }
    if (last !== undefined && 'error' in last) throw last.error;
    return last?.value;
  } finally {
    cancel?.();
    signal.removeEventListener('abort', end);
  }
}

type Settled = { readonly value: unknown } | { readonly error: unknown };

/** Never rejects, so that an attempt that was given up ends no process. */
async function settle(work: () => unknown): Promise<Settled> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
