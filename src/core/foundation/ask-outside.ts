import { systemClock, type Clock } from './clock.ts';
import { ConnectionError } from './errors/connection-errors.ts';
import { LiminalDataError } from './errors/liminal-data-error.ts';
import { within } from './within.ts';

/** How long somebody outside is waited for. */
export interface AskOptions {
  /** In ms. */
  readonly timeout: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Asks code that is not ours for a secret. What it throws is not repeated: an error of a client may hold what it
 * was sent.
 *
 * @param who the subject of the message, such as `The function of connection.password`
 * @param ask is given a signal that aborts when nobody waits any longer
 * @throws ConnectionError where it fails or does not answer in time; an error of this library as it is; the
 *   reason of the signal
 */
export async function askOutside<Answer>(
  who: string,
  ask: (signal: AbortSignal) => Answer | PromiseLike<Answer>,
  { timeout, signal, clock = systemClock }: AskOptions,
): Promise<Answer> {
  signal?.throwIfAborted();
  const waiting = new AbortController();
  const call = async () => ({ answer: await ask(waiting.signal) });
  try {
    const given = await within(clock, timeout, call(), signal);
    if (given !== undefined) return given.answer;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof LiminalDataError) throw error;
    throw new ConnectionError(
      `${who} failed (${nameError(error)}). Its message is not repeated, since it may hold a secret.`,
    );
  } finally {
    waiting.abort();
  }
  throw new ConnectionError(`${who} gave no answer within ${timeout} ms.`);
}

/** What may be said of an error whose message may hold a secret: its name and its code. */
export function nameError(error: unknown): string {
  if (!(error instanceof Error)) return 'it threw what is no error';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // A name or a code is a word; anything else may be more than that.
  return [error.name, code]
    .filter((word) => word !== undefined && /^[A-Za-z][A-Za-z0-9_]{0,40}$/.test(word))
    .join(', ');
}
