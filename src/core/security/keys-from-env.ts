import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { loadCrypto } from '../foundation/node-crypto.ts';
import { readSecretFile, SecretFileFault } from '../foundation/secret-file.ts';
import { Secret } from '../foundation/secret.ts';
import { readBase64 } from './base64.ts';

/** The variable with the keys. */
const keyVariable = 'LIMINAL_ENCRYPTION_KEY';

/** The keys of an environment, unchecked, and the variable that they stood in. */
interface KeysOfEnv {
  readonly variable: string;
  readonly keys: readonly { readonly id: string; readonly key: Secret }[];
}

/**
 * Reads the keys of an environment. It does not check them.
 *
 * @throws ConfigurationError where there are none, or both variables are set, or the file is no good
 */
export function readKeysFromEnv(env: Readonly<Record<string, string | undefined>>): KeysOfEnv {
  const twin = `${keyVariable}_FILE`;
  const text = env[keyVariable];
  const file = env[twin];
  if (text !== undefined && file !== undefined) {
    throw faultOf(keyVariable, `is set, and so is ${twin}; unset one of them`);
  }
  if (file !== undefined) return { variable: twin, keys: splitKeys(readFile(twin, file)) };
  if (text !== undefined) return { variable: keyVariable, keys: splitKeys(text) };
  throw faultOf(
    keyVariable,
    `is not set, and neither is ${twin}; make a key with \`liminal-data keys generate\``,
  );
}

/** An id that is made of the bytes of a key: other bytes have another one, and it tells nothing about them. */
export function nameKey(bytes: Uint8Array): string {
  const { hkdfSync } = loadCrypto();
  return `k${Buffer.from(hkdfSync('sha256', bytes, '', 'liminal-data key id', 5)).toString('hex')}`;
}

function splitKeys(text: string): { id: string; key: Secret }[] {
  return text.split(',').map((part) => {
    const colon = part.indexOf(':');
    const key = part.slice(colon + 1).trim();
    const id = colon < 0 ? nameKey(readBase64(key) ?? Buffer.alloc(0)) : part.slice(0, colon).trim();
    return { id, key: new Secret(key) };
  });
}

function readFile(variable: string, file: string): string {
  try {
    return readSecretFile(file);
  } catch (error) {
    if (error instanceof SecretFileFault) throw faultOf(variable, error.message);
    throw error;
  }
}

function faultOf(variable: string, message: string): ConfigurationError {
  return new ConfigurationError([{ path: [variable], message }]);
}
