import { DeliveryAbortedError } from '../foundation/errors/outbox-errors.ts';
import type { HeldLease } from './held-leases.ts';
import type { ClaimedMessage } from './outbox-message.ts';
import type { DeliveryRetryOptions, RelaySettings } from './relay-options.ts';

/** The longest error that is kept with a message, in UTF-16 units. */
const longestError = 1_000;

/**
 * Hands a message to the application, and waits until it is delivered or the lease's signal aborts. A delivery
 * that does not heed its signal goes on unheard.
 *
 * @throws what `deliver` throws, or a DeliveryAbortedError
 */
export async function deliverOnce(
  { deliver, deliverTimeout, clock }: Pick<RelaySettings, 'deliver' | 'deliverTimeout' | 'clock'>,
  { message, attempt }: ClaimedMessage,
  lease: HeldLease,
): Promise<void> {
  const { signal } = lease;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.schedule(deliverTimeout, () =>
    lease.abort(new DeliveryAbortedError(`The delivery took longer than ${deliverTimeout} ms.`)),
  );
  try {
    // Called in a promise, so that a `deliver` that throws at once fails like one that rejects.
    const delivering = Promise.resolve().then(() => deliver(message, { signal, attempt }));
    await Promise.race([delivering, aborted.promise]);
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The pause behind a failed delivery, in ms: it doubles with each attempt, and is up to a half shorter at random,
 * so that what failed together does not come back together.
 */
export function retryDelay(
  { baseDelay, maxDelay }: Required<DeliveryRetryOptions>,
  attempt: number,
  random: () => number = Math.random,
): number {
  const longest = Math.min(maxDelay, baseDelay * 2 ** (attempt - 1));
  return Math.ceil(longest * (1 - random() / 2));
}

/** What is kept of a failure: an error's name and message, or a text that was thrown, as every engine stores it. */
export function describeFailure(error: unknown): string {
  let text = 'Something was thrown that is no error.';
  if (error instanceof Error) text = `${error.name}: ${error.message}`;
  if (typeof error === 'string') text = error;
  return text.slice(0, longestError).replaceAll('\0', '').toWellFormed();
}
