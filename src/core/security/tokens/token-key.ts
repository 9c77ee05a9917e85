import type { KeyObject } from 'node:crypto';
import type { Issue } from '../../foundation/issue.ts';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { Secret } from '../../foundation/secret.ts';
import { readBase64 } from '../base64.ts';
import { findKeyWeakness, keyLength } from '../weak-key.ts';
import {
  algorithmNames,
  findTraits,
  leastRsaBits,
  leastRsaExponent,
  type AlgorithmTraits,
  type AsymmetricAlgorithm,
  type HmacAlgorithm,
  type TokenAlgorithm,
} from './token-algorithm.ts';

/** A secret that signs and verifies. */
export interface HmacKeyInput {
  /** 1 to 128 characters of A–Z, a–z, 0–9, `.`, `_` and `-`. */
  readonly kid: string;
  /** The one algorithm that the secret serves. */
  readonly alg: HmacAlgorithm;
  /** Random bytes, or their base64: at least 32 for HS256, 48 for HS384, 64 for HS512. */
  readonly secret: Uint8Array | Secret;
}

/** A private key, which signs; its public half verifies. */
export interface PrivateKeyInput {
  /** 1 to 128 characters of A–Z, a–z, 0–9, `.`, `_` and `-`. */
  readonly kid: string;
  /** The one algorithm that the key serves. */
  readonly alg: AsymmetricAlgorithm;
  /** PEM, in PKCS #8. RSA keys have at least 2,048 bits; 3,072 are better. */
  readonly privateKey: Secret;
}

/** A public key, which verifies alone. */
export interface PublicKeyInput {
  /** 1 to 128 characters of A–Z, a–z, 0–9, `.`, `_` and `-`. */
  readonly kid: string;
  /** The one algorithm that the key serves. */
  readonly alg: AsymmetricAlgorithm;
  /** PEM, in SPKI. RSA keys have at least 2,048 bits. */
  readonly publicKey: string;
}

/** A key of tokens, as an application hands it in. */
export type TokenKeyInput = HmacKeyInput | PrivateKeyInput | PublicKeyInput;

/** A key that was checked. It serves one algorithm alone. */
export interface TokenKey {
  /** Its id. */
  readonly kid: string;
  /** The one algorithm that it serves. */
  readonly alg: TokenAlgorithm;
  /** What verifies; it prints no bytes. */
  readonly verifying: KeyObject;
  /** Absent where it verifies alone. */
  readonly signing?: KeyObject;
}

const kidForm = /^[A-Za-z0-9._-]{1,128}$/;

/** Whether a key id is of the one form that is let in: it can be no path, no SQL and no URL. */
export function isKeyId(kid: unknown): kid is string {
  return typeof kid === 'string' && kidForm.test(kid);
}

/** @returns the key; undefined where it has faults, which are added to `issues` */
export function parseTokenKey(
  input: TokenKeyInput,
  path: Issue['path'],
  issues: Issue[],
): TokenKey | undefined {
  const before = issues.length;
  const fault = (name: string, message: string) => void issues.push({ path: [...path, name], message });
  const { kid, alg } = input;
  if (!isKeyId(kid)) fault('kid', 'must be 1 to 128 characters of A–Z, a–z, 0–9, ".", "_" and "-"');
  const traits = findTraits(alg);
  if (traits === undefined) {
    fault('alg', `must be one of ${algorithmNames}`);
    return undefined;
  }
  const key =
    traits.family === 'HS' ? hmacKeys(input, traits.secretBytes, fault) : pairKeys(input, traits, fault);
  return key === undefined || issues.length > before ? undefined : { kid, alg, ...key };
}

type Fault = (name: string, message: string) => void;
type Keys = Pick<TokenKey, 'verifying' | 'signing'>;

function hmacKeys(input: TokenKeyInput, leastBytes: number, fault: Fault): Keys | undefined {
  const { secret } = input as Partial<HmacKeyInput>;
  const bytes = secret instanceof Secret ? readBase64(secret.reveal()) : secret;
  if (!(bytes instanceof Uint8Array) || bytes.byteLength < leastBytes) {
    const message = 'random bytes for its algorithm, or a Secret of their base64; a password is no key';
    fault('secret', `must be at least ${leastBytes} ${message}`);
    return undefined;
  }
  const weakness = findKeyWeakness(bytes.subarray(0, keyLength));
  if (weakness !== undefined) fault('secret', weakness);
  const key = loadCrypto().createSecretKey(bytes);
  return { verifying: key, signing: key };
}

function pairKeys(
  input: TokenKeyInput,
  traits: Exclude<AlgorithmTraits, { family: 'HS' }>,
  fault: Fault,
): Keys | undefined {
  const { privateKey, publicKey } = input as Partial<PrivateKeyInput & PublicKeyInput>;
  const name = privateKey === undefined ? 'publicKey' : 'privateKey';
  const { createPrivateKey, createPublicKey } = loadCrypto();
  let keys: Keys;
  try {
    if (privateKey instanceof Secret) {
      const signing = createPrivateKey(privateKey.reveal());
      keys = { signing, verifying: createPublicKey(signing) };
    } else if (publicKey?.includes('PUBLIC KEY') === true) {
      keys = { verifying: createPublicKey(publicKey) };
    } else {
      fault(name, 'must be a private key as a Secret of its PEM, or a public key as its PEM');
      return undefined;
    }
  } catch {
    // What OpenSSL says of a key may quote it.
    fault(name, 'cannot be read: it must be a PEM, in PKCS #8 or SPKI, without a passphrase');
    return undefined;
  }
  const reason = findMismatch(keys.verifying, traits);
  if (reason !== undefined) fault(name, reason);
  return keys;
}

/** Why a public key does not serve an algorithm. */
function findMismatch(
  key: KeyObject,
  traits: Exclude<AlgorithmTraits, { family: 'HS' }>,
): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type !== traits.keyType) return `must be a key of the type ${traits.keyType}, for its algorithm`;
  if (traits.keyType === 'ec' && details.namedCurve !== traits.curve) {
    return `must be a key on the curve ${traits.curve}, for its algorithm`;
  }
  if (traits.keyType === 'rsa' && (details.modulusLength ?? 0) < leastRsaBits) {
    return `must have at least ${leastRsaBits} bits`;
  }
  if (traits.keyType === 'rsa' && (details.publicExponent ?? 0n) < leastRsaExponent) {
    return `must have a public exponent of at least ${leastRsaExponent}`;
  }
  return undefined;
}

/** What a published key must not hold: it would be no public key. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Reads a key that another issuer has published.
 *
 * @param accepted the algorithms that are let in; a key that names none serves the one of them that fits its type
 * @returns the key, or why it does not serve
 */
export function readPublishedKey(
  jwk: Readonly<Record<string, unknown>>,
  accepted: readonly TokenAlgorithm[],
): TokenKey | string {
  const { kid, kty, use, key_ops: operations } = jwk;
  if (!isKeyId(kid)) return 'it has no key id of the form that is let in';
  if (privateMembers.some((name) => name in jwk)) return 'it is no public key';
  if (use !== undefined && use !== 'sig') return 'it is not for signatures';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return 'it is not for verifying';
  }
  const fitting = accepted.filter((alg) => {
    const traits = findTraits(alg);
    return traits !== undefined && traits.family !== 'HS' && traits.jwkType === kty;
  });
  const alg = 'alg' in jwk ? fitting.find((name) => name === jwk['alg']) : fitting[0];
  if (alg === undefined || (!('alg' in jwk) && fitting.length > 1)) return 'it is for no accepted algorithm';
  try {
    const verifying = loadCrypto().createPublicKey({ key: jwk, format: 'jwk' });
    const mismatch = findMismatch(verifying, findTraits(alg) as Exclude<AlgorithmTraits, { family: 'HS' }>);
    return mismatch ?? { kid, alg, verifying };
  } catch {
    return 'it cannot be read';
  }
}
