import type { Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { readStrictJson } from './strict-json.ts';

/** How a key set is fetched. */
export interface FetchLimits {
  readonly url: URL;
  /** In ms, from the request to the last byte. */
  readonly timeout: number;
  readonly maxBytes: number;
  readonly clock: Clock;
}

const loopback = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/**
 * Reads the address of a key set.
 *
 * @throws ConfigurationError where it is no https URL, or no http one of this machine
 */
export function parseKeySetUrl(text: string): URL {
  const url = URL.parse(text);
  const isSafe =
    url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback.test(url.hostname) === true);
  if (url === null || !isSafe || url.username !== '' || url.password !== '') {
    throw new ConfigurationError([
      {
        path: ['url'],
        message:
          'must be an https URL without a user; http is for loopback alone, since whoever changes the keys makes the tokens',
      },
    ]);
  }
  return url;
}

/**
 * Fetches a key set: from that address alone, without redirects, up to a size and a time.
 *
 * @returns the members of `keys` that are objects
 * @throws Error where the answer is another one; for the log alone
 */
export async function fetchKeySet(limits: FetchLimits): Promise<Readonly<Record<string, unknown>>[]> {
  const { url, timeout, maxBytes, clock } = limits;
  const controller = new AbortController();
  const cancel = clock.schedule(timeout, () => controller.abort(new Error('it took too long')));
  try {
    const response = await fetch(url, {
      redirect: 'error',
      credentials: 'omit',
      headers: { accept: 'application/jwk-set+json, application/json' },
      signal: controller.signal,
    });
    if (response.status !== 200) throw new Error(`the answer has the status ${response.status}`);
    return readKeySet(await readLimited(response, maxBytes));
  } finally {
    cancel();
    // Ends the connection where the answer was not read to its end.
    controller.abort();
  }
}

async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function readKeySet(body: Uint8Array): Readonly<Record<string, unknown>>[] {
  const keys = readStrictJson(body)?.['keys'];
  if (!Array.isArray(keys)) throw new Error('the answer is no key set');
  return keys.filter((key) => typeof key === 'object' && key !== null);
}
