import { loadCrypto } from '../foundation/node-crypto.ts';
import { Secret } from '../foundation/secret.ts';
import { nameKey } from './keys-from-env.ts';
import { keyLength } from './weak-key.ts';

/** A key that was just made. */
export interface GeneratedKey {
  /** Made of the bytes of the key, so that two keys never share it. */
  readonly id: string;
  /** The base64 of 32 random bytes. */
  readonly key: Secret;
}

/**
 * Makes a key from the random numbers of the system. It keeps it nowhere.
 *
 * @returns the key and its id, as `KeyRing.of` takes them
 * @example
 * const ring = KeyRing.of([generateKey()]);
 */
export function generateKey(): GeneratedKey {
  const bytes = loadCrypto().randomBytes(keyLength);
  return { id: nameKey(bytes), key: new Secret(bytes.toString('base64')) };
}
