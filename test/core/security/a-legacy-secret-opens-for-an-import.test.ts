import { expect } from 'chai';
import { createCipheriv, randomBytes } from 'node:crypto';
import { ConfigurationError, DecryptionError } from '../../../src/core/index.ts';
import { openLegacySecret } from '../../../src/core/security/index.ts';

const key = Buffer.from('0123456789abcdef0123456789abcdef');

function sealLegacy(text: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
}

describe('a legacy secret', () => {
  it('opens by its key, also by one that no ring takes', () => {
    for (const text of ['sk-test-openai-0', '', 'grüße']) {
      expect(openLegacySecret(sealLegacy(text), key).reveal()).to.equal(text);
    }
  });

  it('does not open changed, cut or by another key', () => {
    const sealed = sealLegacy('sk-test-openai-0');
    const bytes = Buffer.from(sealed, 'base64');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openLegacySecret(flipped.toString('base64'), key)).to.throw(DecryptionError);
    }
    for (const text of ['', 'no base64!', bytes.subarray(0, 31).toString('base64')]) {
      expect(() => openLegacySecret(text, key)).to.throw(DecryptionError);
    }
    expect(() => openLegacySecret(sealed, randomBytes(32))).to.throw(DecryptionError);
    expect(() => openLegacySecret(sealed, randomBytes(16))).to.throw(ConfigurationError, /32 bytes/);
  });
});
