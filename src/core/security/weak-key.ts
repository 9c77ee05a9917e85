import { loadCrypto } from '../foundation/node-crypto.ts';

/** The bytes of a key. */
export const keyLength = 32;

/** Of 32 random bytes at least 16 differ; fewer come once in 2^45 keys, and from a hand rather than a generator. */
const leastDistinct = 16;

/** Letters of one case, or digits alone; of random bytes once in 2^51. */
const isWords = /^(?:[a-z+/]+|[A-Z+/]+|\d+)=$/u;

/**
 * Says why bytes must not be a key: they have the wrong length, a pattern, are text, or stand in a book. It
 * cannot tell randomness, only what nobody's generator gives. A random key is refused once in 2^43 times.
 *
 * @returns what is wrong, without the bytes; undefined where nothing is
 */
export function findKeyWeakness(key: Uint8Array): string | undefined {
  if (key.length !== keyLength) return `is ${key.length} bytes long and must be ${keyLength}`;
  if (key.every((byte) => byte === key[0])) return 'is one byte over and over';
  if (isProgression(key)) return 'is a sequence';
  if (isPeriodic(key)) return 'repeats itself';
  if (isKnown(key)) return 'is known to everybody: it stands in a specification, an example or a test';
  if (key.every(isTextByte)) return 'is text, not random bytes';
  if (isWords.test(Buffer.from(key).toString('base64'))) return 'is words, whose letters happen to be base64';
  if (new Set(key).size < leastDistinct) return 'has too few different bytes';
  return undefined;
}

function isProgression(key: Uint8Array): boolean {
  const step = distance(key, 1);
  return key.every((_, index) => index === 0 || distance(key, index) === step);
}

function distance(key: Uint8Array, index: number): number {
  return ((key[index] ?? 0) - (key[index - 1] ?? 0)) & 0xff;
}

function isPeriodic(key: Uint8Array): boolean {
  return [2, 4, 8, 16].some((period) => key.every((byte, index) => byte === key[index % period]));
}

/** Printable ASCII and its line ends, and the zeros with which a short text is filled up. */
function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || [0x00, 0x09, 0x0a, 0x0d].includes(byte);
}

function isKnown(key: Uint8Array): boolean {
  const { createHash } = loadCrypto();
  const hex = Buffer.from(key).toString('hex');
  return (
    publishedKeys.includes(hex) ||
    textKeys.some((text) => Buffer.from(text).equals(key)) ||
    commonWords.some((word) => createHash('sha256').update(word).digest('hex') === hex)
  );
}

/** Test vectors of AES-256, GCM, ChaCha20, HMAC and curves that get copied into configurations. */
const publishedKeys: readonly string[] = [
  // FIPS 197 and SP 800-38A
  '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
  // IEEE 802.1AE, the keys of 256 bits
  '83c093b58de7ffe1c0da926ac43fb3609ac1c80fee1b624497ef942e2f79a823',
  'e3c08a8f06c6e3ad95a70557b23f75483ce33021a9c72b7025666204c69c0b72',
  '691d3ee909d7f54167fd1ca0b5d769081f2bde1aee655fdbab80bd5295ae6be7',
  // RFC 8439, appendix A
  '1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0',
  // RFC 7748, section 6.1
  '77076d0a7318a57d3c16c17251b26645df4c87ebc0992ac177fba51db92c2c2a',
  '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
  // RFC 8032, section 7.1
  '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
  '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
];

/** What people type to have 32 bytes; the first is the key of the example database of the legacy application. */
const textKeys: readonly string[] = [
  '0123456789abcdef0123456789abcdef',
  '01234567890123456789012345678901',
  '12345678901234567890123456789012',
  'abcdefghijklmnopqrstuvwxyz012345',
  'abcdefghijklmnopqrstuvwxyz123456',
];

/** What people hash to have 32 bytes. */
const commonWords: readonly string[] = [
  '',
  '123456',
  '12345678',
  '123456789',
  'a',
  'abc',
  'admin',
  'changeme',
  'default',
  'dev',
  'development',
  'encryption',
  'encryption-key',
  'example',
  'foo',
  'foobar',
  'hello',
  'hello world',
  'key',
  'letmein',
  'liminal',
  'liminal-data',
  'master',
  'my-secret',
  'mysecret',
  'my-secret-key',
  'password',
  'password1',
  'qwerty',
  'root',
  'secret',
  'secret-key',
  'secretkey',
  'supersecret',
  'test',
  'test-key',
  'testkey',
];
