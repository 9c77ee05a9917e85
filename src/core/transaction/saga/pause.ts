import type { Clock } from '../../foundation/clock.ts';
import { within } from '../../foundation/within.ts';

/**
 * Waits, unless it is told to stop.
 *
 * @param delay in ms
 * @throws the reason of the signal, at once
 */
export async function pause(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  const { promise: never } = Promise.withResolvers<never>();
  await within(clock, delay, never, signal);
}
