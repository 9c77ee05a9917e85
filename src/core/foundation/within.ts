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
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const abort = () => reject(signal?.reason as Error);
  const isLimited = limit !== Number.POSITIVE_INFINITY;
  const cancel = isLimited ? clock.schedule(Math.max(0, limit), () => resolve(undefined)) : undefined;
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    cancel?.();
    signal?.removeEventListener('abort', abort);
  }
}
