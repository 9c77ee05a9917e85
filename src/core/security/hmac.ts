import type { KeyObject } from 'node:crypto';
import { loadCrypto } from '../foundation/node-crypto.ts';

/** The length of a block of SHA-256, in bytes. */
const blockLength = 64;
const digestLength = 32;
/** Where longer texts are written beside; most are far shorter. */
const scratchLength = 16_384;

/**
 * HMAC-SHA-256 (RFC 2104) with one key, for many short texts. It gives what `createHmac` gives, in less than half the
 * time: a verification makes one for each row, and most of `createHmac` is making its object.
 *
 * @param key of at most 64 bytes
 * @returns makes the code of a text, as hexadecimal digits
 */
export function makeHmac(key: KeyObject): (text: string) => string {
  const { hash } = loadCrypto();
  const bytes = key.export();
  const inner = Buffer.alloc(blockLength + scratchLength, 0x36);
  const outer = Buffer.alloc(blockLength + digestLength, 0x5c);
  for (const [place, byte] of bytes.entries()) {
    inner[place] = 0x36 ^ byte;
    outer[place] = 0x5c ^ byte;
  }
  bytes.fill(0);
  return (text) => {
    outer.write(hash('sha256', messageOf(inner, text), 'binary'), blockLength, 'latin1');
    return hash('sha256', outer, 'hex');
  };
}

function messageOf(inner: Buffer, text: string): Buffer {
  // A character of UTF-16 has at most three bytes of UTF-8.
  if (text.length * 3 <= scratchLength) {
    return inner.subarray(0, blockLength + inner.write(text, blockLength, 'utf8'));
  }
  return Buffer.concat([inner.subarray(0, blockLength), Buffer.from(text, 'utf8')]);
}
