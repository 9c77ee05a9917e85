import { askOutside } from '../foundation/ask-outside.ts';
import { decorrelatedJitter } from '../foundation/backoff.ts';
import { sleep, systemClock, type Clock } from '../foundation/clock.ts';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { unlessAborted } from '../foundation/within.ts';
import type { KeyProvider } from './key-provider.ts';
import { KeyRing } from './key-ring.ts';
import { nameKey } from './keys-from-env.ts';
import { keyLength } from './weak-key.ts';

/** A data key that a key provider has wrapped. It is no secret, and useless without the provider. */
export interface WrappedKey {
  /** The id of the key in the ring. */
  readonly id: string;
  /** What the provider made of it. */
  readonly wrapped: string;
}

/** How a key provider is asked. */
export interface KeyProviderOptions {
  /** How long one answer may take, in ms from 1 to 600,000; 5,000 by default. */
  readonly timeout?: number;
  /** How often it is asked for a key at most, from 1 to 100; 3 by default. */
  readonly attempts?: number;
  /** Ends the waiting, between the attempts too. */
  readonly signal?: AbortSignal;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** Pauses between attempts, in ms. */
const pauses = { base: 100, cap: 2_000 };

/**
 * Opens a key ring whose keys a key provider has wrapped. It asks for each key once at start, and never again.
 *
 * @param provider who unwraps
 * @param wrapped the keys; the first seals
 * @param options time-outs and attempts
 * @returns the ring
 * @throws ConnectionError where the provider fails or does not answer, as often as it was asked; ConfigurationError
 *   where what it answers is no good key, or an option is out of its range; an error of this library as it is, such
 *   as DecryptionError; the reason of the signal
 * @example
 * const ring = await openKeyRing(kms, [{ id: '2026-07', wrapped: env.WRAPPED_KEY }], { timeout: 2_000 });
 */
export async function openKeyRing(
  provider: KeyProvider,
  wrapped: readonly WrappedKey[],
  options: KeyProviderOptions = {},
): Promise<KeyRing> {
  checkOptions(options);
  const given: unknown[] = [];
  const end = new AbortController();
  const ends = AbortSignal.any([end.signal, ...(options.signal ? [options.signal] : [])]);
  const unwrap = (key: WrappedKey) => async (signal: AbortSignal) => {
    const bytes = await provider.unwrap(key.wrapped, { signal });
    // Nobody waits for it any longer.
    if (end.signal.aborted) wipe(bytes);
    else given.push(bytes);
    return bytes;
  };
  const askFor = async (key: WrappedKey) => ({
    id: key.id,
    key: await ask(unwrap(key), { ...options, signal: ends }),
  });
  try {
    return KeyRing.of(await Promise.all(wrapped.map(askFor)));
  } finally {
    // Where one key failed, the others are not asked for again.
    end.abort();
    given.forEach(wipe);
  }
}

function wipe(bytes: unknown): void {
  if (bytes instanceof Uint8Array) bytes.fill(0);
}

/**
 * Makes a data key and has it wrapped. The key itself is forgotten; `openKeyRing` opens it.
 *
 * @param provider who wraps
 * @param options time-outs and attempts
 * @returns what is to be kept with the configuration
 * @throws ConnectionError where the provider fails or does not answer; ConfigurationError where it does not answer
 *   with text, or an option is out of its range; the reason of the signal
 * @example
 * console.log(JSON.stringify(await createWrappedKey(kms)));
 */
export async function createWrappedKey(
  provider: KeyProvider,
  options: KeyProviderOptions = {},
): Promise<WrappedKey> {
  checkOptions(options);
  const key = loadCrypto().randomBytes(keyLength);
  try {
    const wrapped: unknown = await ask(async (signal) => provider.wrap(key, { signal }), options);
    if (typeof wrapped === 'string' && wrapped !== '') return { id: nameKey(key), wrapped };
    throw new ConfigurationError('The key provider did not answer with text when it was to wrap a key.');
  } finally {
    key.fill(0);
  }
}

async function ask<Answer>(
  call: (signal: AbortSignal) => Promise<Answer>,
  { timeout = 5_000, attempts = 3, signal, clock = systemClock }: KeyProviderOptions,
): Promise<Answer> {
  const nextPause = decorrelatedJitter(pauses);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOutside('The key provider', call, { timeout, signal, clock });
    } catch (error) {
      const mayHelp = error instanceof LiminalDataError && error.retryable;
      if (attempt >= attempts || !mayHelp) throw error;
    }
    await unlessAborted(sleep(clock, nextPause()), signal);
  }
}

function checkOptions({ timeout = 1, attempts = 1 }: KeyProviderOptions): void {
  const issues: Issue[] = [];
  const check = (name: string, value: number, max: number) => {
    if (Number.isInteger(value) && value >= 1 && value <= max) return;
    issues.push({ path: [name], message: `must be an integer from 1 to ${max}` });
  };
  check('timeout', timeout, 600_000);
  check('attempts', attempts, 100);
  if (issues.length > 0) throw new ConfigurationError(issues);
}
