import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { DecryptionError } from '../foundation/errors/security-errors.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { Secret } from '../foundation/secret.ts';
import { readBase64 } from './base64.ts';
import { keyLength } from './weak-key.ts';

const legacyIvLength = 16;
const tagLength = 16;

/**
 * Opens a value that the application before this library has sealed: the base64 of vector (16 bytes), tag
 * (16 bytes) and ciphertext, AES-256-GCM without additional data. For an import alone: it takes any key of 32
 * bytes, known ones too, and nothing binds such a value to its row. It cannot seal.
 *
 * @param text the stored value
 * @param key the key of that application, 32 bytes
 * @returns the value, to be sealed anew at once
 * @throws ConfigurationError where the key is not 32 bytes; DecryptionError where the value does not open
 * @example
 * const secret = openLegacySecret(row.key, Buffer.from(process.env.OLD_KEY ?? '', 'base64'));
 */
export function openLegacySecret(text: string, key: Uint8Array): Secret {
  if (key.length !== keyLength) throw new ConfigurationError(`A legacy key must be ${keyLength} bytes long.`);
  const plaintext = decrypt(readBase64(text), key);
  if (plaintext === undefined) throw new DecryptionError({ table: 'legacy', column: 'value' });
  return new Secret(plaintext);
}

function decrypt(bytes: Buffer | undefined, key: Uint8Array): string | undefined {
  if (bytes === undefined || bytes.length < legacyIvLength + tagLength) return undefined;
  const iv = bytes.subarray(0, legacyIvLength);
  const tag = bytes.subarray(legacyIvLength, legacyIvLength + tagLength);
  const decipher = loadCrypto().createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength });
  decipher.setAuthTag(tag);
  const opened = decipher.update(bytes.subarray(legacyIvLength + tagLength));
  try {
    return Buffer.concat([opened, decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
