import { loadCrypto } from '../../foundation/node-crypto.ts';

/**
 * The key of an advisory lock: the first 64 bits of the SHA-256 of its name, as the signed integer that
 * Postgres takes. Computed here, so that it does not hang on a hash function of the server's version.
 *
 * @param name what is locked; other programs in the same database hash other names
 */
export function advisoryLockKey(name: string): bigint {
  return loadCrypto().hash('sha256', name, 'buffer').readBigInt64BE();
}
