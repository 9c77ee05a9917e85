import type { Clock } from './clock.ts';

/**
 * Waits for work up to a limit. The work itself goes on where the limit comes first; its failure is
 * then nobody's.
 *
 * @param limit in ms; below 0 counts as 0, and infinity is none
 * @param signal ends the wait as well
 * @returns what the work gives; undefined where the limit came first
 * @throws what the work throws, or the signal's reason
 */
export async function within<Result>(
  clock: Clock,
  limit: number,
  work: Promise<Result>,
  signal?: AbortSignal,
): Promise<Result | undefined> {
  if (limit === Number.POSITIVE_INFINITY) return unlessAborted(work, signal);
  if (signal?.aborted === true) return leave(work, signal);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const cancel = clock.schedule(Math.max(0, limit), () => resolve(undefined));
  try {
    return await unlessAborted(firstOf(work, promise), signal);
  } finally {
    cancel();
  }
}

/**
 * Waits for work until a signal fires. The work itself goes on then; its failure is nobody's.
 *
 * @throws what the work throws, or the signal's reason
 */
export async function unlessAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) {
    // Awaited here: behind a promise that is handed on, no stack would show who waits.
    const result = await work;
    return result;
  }
  if (signal.aborted) return leave(work, signal);
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await firstOf(work, promise);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** As `Promise.race`, through which no stack shows who waits. */
function firstOf<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<One | Other> {
  return new Promise((resolve, reject) => {
    one.then(resolve, reject);
    other.then(resolve, reject);
  });
}

/** The work runs already: a failure that nobody hears would end the process. */
function leave(work: Promise<unknown>, signal: AbortSignal): never {
  work.catch(() => {});
  throw signal.reason;
}
