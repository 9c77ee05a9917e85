import { Secret } from '../foundation/secret.ts';
import { FieldCipher } from './field-cipher.ts';
import type { KeyProvider } from './key-provider.ts';
import type { KeyRing } from './key-ring.ts';

const place = { table: 'liminal-data', column: 'data key', row: 'wrapped' };

/**
 * A key provider without a service: the keys of a ring wrap the data keys. It separates the key that is in the
 * configuration from those that seal values; it does not keep it from the application's process.
 *
 * @example
 * const provider = new LocalKeyProvider(KeyRing.fromEnv());
 */
export class LocalKeyProvider implements KeyProvider {
  readonly #cipher: FieldCipher;

  /** @param ring the keys that wrap; the active one wraps, each unwraps */
  constructor(ring: KeyRing) {
    this.#cipher = new FieldCipher(ring);
  }

  /**
   * Wraps a data key.
   *
   * @param dataKey 32 bytes
   * @returns an envelope
   */
  wrap(dataKey: Uint8Array): Promise<string> {
    const text = new Secret(Buffer.from(dataKey).toString('base64'));
    return Promise.resolve(this.#cipher.seal(text, place));
  }

  /**
   * Unwraps a data key.
   *
   * @param wrapped what `wrap` returned
   * @returns the data key
   * @throws DecryptionError where it does not open
   */
  async unwrap(wrapped: string): Promise<Uint8Array> {
    return Promise.resolve(Buffer.from(this.#cipher.open(wrapped, place).reveal(), 'base64'));
  }
}
