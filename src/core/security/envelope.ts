import { readBase64Url } from './base64.ts';
import { isKeyId } from './key-id.ts';

/** Bytes of an initialisation vector: 96 bits, for which GCM is made. */
export const ivLength = 12;
/** Bytes of an authentication tag: 128 bits, the whole. */
export const tagLength = 16;

/** A sealed value in its parts. */
export interface Envelope {
  readonly keyId: string;
  /** All before the ciphertext, as it stands in the text. */
  readonly header: string;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/**
 * How every value begins that a key has sealed; for `like` and `startsWith` over stored values.
 *
 * @param keyId the id of the key
 * @returns `liminal:1:<keyId>:`
 */
export function envelopePrefix(keyId: string): string {
  return `liminal:1:${keyId}:`;
}

/** The envelope up to its ciphertext. */
export function writeHeader(keyId: string, iv: Buffer): string {
  return `${envelopePrefix(keyId)}${iv.toString('base64url')}:`;
}

/** Takes an envelope apart. Exactly one text stands for an envelope; undefined where this is none. */
export function readEnvelope(text: string): Envelope | undefined {
  const [mark, version, keyId, ivText, body, ...rest] = text.split(':', 6);
  if (mark !== 'liminal' || version !== '1' || rest.length > 0) return undefined;
  if (keyId === undefined || ivText === undefined || body === undefined || !isKeyId(keyId)) return undefined;
  const iv = readBase64Url(ivText);
  const bytes = readBase64Url(body);
  if (iv?.length !== ivLength || bytes === undefined || bytes.length < tagLength) return undefined;
  return {
    keyId,
    header: text.slice(0, text.length - body.length),
    iv,
    ciphertext: bytes.subarray(0, -tagLength),
    tag: bytes.subarray(-tagLength),
  };
}
