// Security check: C1.
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { DecryptionError } from '../../../src/core/index.ts';
import { encodePlace } from '../../../src/core/security/cipher-place.ts';
import { FieldCipher } from '../../../src/core/security/field-cipher.ts';
import { KeyRing } from '../../../src/core/security/key-ring.ts';
import { soakCount } from '../../support/engines.ts';
import { ringOf, sampleKey } from './ring-of-keys.ts';

const ring = ringOf('a', 'b');
const cipher = new FieldCipher(ring);
const place = { table: 'users', column: 'email', row: 'ann' };
const plaintext = 'ann@example.org';

/** What is told of a value that does not open: everything of the error that a caller can see. */
function refusalOf(envelope: string, by = cipher): unknown {
  try {
    by.open(envelope, place);
  } catch (error) {
    expect(error).to.be.instanceOf(DecryptionError);
    const { name, message, code, table, column, cause, stack = '' } = error as DecryptionError;
    const at = stack
      .split('\n')
      .slice(1, 3)
      .join('\n')
      .replace(/refusalOf.*/, 'refusalOf');
    return { name, message, code, table, column, cause, at, keys: Object.keys(error as object) };
  }
  return 'it opened';
}

describe('a forged value', () => {
  const sealed = cipher.seal(plaintext, place);
  const refusal = refusalOf('nothing of the kind');
  const [mark, version, keyId, iv = '', body = ''] = sealed.split(':');
  const bytes = Buffer.from(body, 'base64url');
  const wrap = (content: Buffer, vector = iv) => `liminal:1:a:${vector}:${content.toString('base64url')}`;

  it('does not open, with each single bit of its text flipped', () => {
    const text = Buffer.from(sealed, 'latin1');
    for (let bit = 0; bit < text.length * 8; bit += 1) {
      const flipped = Buffer.from(text);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refusalOf(flipped.toString('latin1')), `bit ${bit}`).to.deep.equal(refusal);
    }
  });

  it('nor with each single bit of its vector, ciphertext and tag', () => {
    const flip = (from: Buffer, bit: number) => {
      const flipped = Buffer.from(from);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    };
    const vector = Buffer.from(iv, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      expect(refusalOf(wrap(flip(bytes, bit)))).to.deep.equal(refusal);
    }
    for (let bit = 0; bit < vector.length * 8; bit += 1) {
      expect(refusalOf(wrap(bytes, flip(vector, bit).toString('base64url')))).to.deep.equal(refusal);
    }
  });

  it('nor cut at any place, or made longer', () => {
    for (let length = 0; length < sealed.length; length += 1) {
      expect(refusalOf(sealed.slice(0, length))).to.deep.equal(refusal);
      expect(refusalOf(sealed.slice(sealed.length - length))).to.deep.equal(refusal);
    }
    for (const more of ['A', '=', ' ', '\n', ':', '\0', sealed]) {
      expect(refusalOf(sealed + more)).to.deep.equal(refusal);
      expect(refusalOf(more + sealed)).to.deep.equal(refusal);
    }
  });

  it('nor with a tag of 4, 8, 12 or 15 bytes that is right as far as it goes', () => {
    const key = Buffer.from(
      hkdfSync('sha256', Buffer.from(sampleKey('a').key.reveal(), 'base64'), '', 'liminal-data field 1', 32),
    );
    for (const authTagLength of [4, 8, 12, 13, 14, 15]) {
      const vector = Buffer.from(iv, 'base64url');
      const forge = createCipheriv('aes-256-gcm', key, vector, { authTagLength });
      forge.setAAD(encodePlace(`liminal:1:a:${iv}:`, place));
      const content = Buffer.concat([forge.update('x'.repeat(16)), forge.final(), forge.getAuthTag()]);
      expect(refusalOf(wrap(content))).to.deep.equal(refusal);
      // And node itself would take a short one, so that the length has to be insisted on.
      if (authTagLength !== 4) continue;
      const lax = createDecipheriv('aes-256-gcm', key, vector, { authTagLength });
      lax.setAAD(encodePlace(`liminal:1:a:${iv}:`, place)).setAuthTag(content.subarray(-4));
      expect(lax.update(content.subarray(0, -4), undefined, 'utf8') + lax.final('utf8')).to.equal(
        'x'.repeat(16),
      );
    }
  });

  it('nor without a ciphertext, or without anything', () => {
    for (const content of [Buffer.alloc(0), Buffer.alloc(16), bytes.subarray(-16), bytes.subarray(0, 15)]) {
      expect(refusalOf(wrap(content))).to.deep.equal(refusal);
    }
    for (const text of ['', ':', ':::::', 'liminal:1:a::', 'liminal:1:a', `liminal:1::${iv}:${body}`]) {
      expect(refusalOf(text)).to.deep.equal(refusal);
    }
    for (const value of [undefined, null, 7, {}, [sealed]]) {
      expect(refusalOf(value as never)).to.deep.equal(refusal);
    }
  });

  it('nor under another version, mark or key', () => {
    for (const other of ['0', '2', '01', '1.0', '', '-1', 'v1']) {
      expect(refusalOf([mark, other, keyId, iv, body].join(':'))).to.deep.equal(refusal);
    }
    for (const other of ['b', 'c', 'A', 'a.', '__proto__', 'constructor', '../a', "a'--", 'a'.repeat(65)]) {
      expect(refusalOf([mark, version, other, iv, body].join(':'))).to.deep.equal(refusal);
    }
    expect(refusalOf(sealed.replace('liminal', 'Liminal'))).to.deep.equal(refusal);
  });

  it('nor spelled in another way: one value has one text', () => {
    const standard = body.replaceAll('-', '+').replaceAll('_', '/');
    const spellings = [
      `${body}=`,
      `${body}==`,
      `${body.slice(0, 4)}\n${body.slice(4)}`,
      ` ${body}`,
      standard,
    ];
    for (const spelling of spellings.filter((each) => each !== body)) {
      expect(refusalOf([mark, version, keyId, iv, spelling].join(':'))).to.deep.equal(refusal);
    }
  });

  it('nor with the part of another one', () => {
    const [, , , otherIv, otherBody] = cipher.seal(plaintext, place).split(':');
    expect(refusalOf([mark, version, keyId, otherIv, body].join(':'))).to.deep.equal(refusal);
    expect(refusalOf([mark, version, keyId, iv, otherBody].join(':'))).to.deep.equal(refusal);
  });

  it('nor by other bytes under the same id, and no other key of the ring is tried', () => {
    const other = KeyRing.of([
      { ...sampleKey('other'), id: 'a' },
      { ...sampleKey('a'), id: 'b' },
    ]);
    expect(refusalOf(sealed, new FieldCipher(other))).to.deep.equal(refusal);
  });

  it('nor by a million flips at random places', () => {
    const count = soakCount(1_000_000);
    let accepted = 0;
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const draw = () => numbers.next().value;
        for (let round = 0; round < count; round += 1) {
          const changed = Buffer.from(bytes);
          for (let flips = 1 + (draw() % 4); flips > 0; flips -= 1) {
            const bit = draw() % (bytes.length * 8);
            changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          }
          if (changed.equals(bytes)) continue;
          try {
            cipher.open(wrap(changed), place);
            accepted += 1;
          } catch (error) {
            if (!(error instanceof DecryptionError)) throw error;
          }
        }
      }),
      { numRuns: 1 },
    );
    expect(accepted).to.equal(0);
  }).timeout(600_000);

  it('is counted by its cause, where the error does not tell', () => {
    const counting = new FieldCipher(ring);
    const good = counting.seal(plaintext, place);
    counting.open(good, place);
    for (const bad of ['x', 'liminal:2:a:b:c', `liminal:1:zz:${iv}:${body}`, wrap(Buffer.alloc(20))])
      refusalOf(bad, counting);
    expect(counting.stats()).to.deep.equal({
      sealed: 1,
      opened: 1,
      refused: { form: 2, key: 1, authentication: 1 },
    });
  });
});
