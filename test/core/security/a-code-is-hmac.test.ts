import { expect } from 'chai';
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { UnknownKeyError } from '../../../src/core/index.ts';
import { KeyRing } from '../../../src/core/security/index.ts';
import { makeHmac } from '../../../src/core/security/hmac.ts';

describe('the code of a text', () => {
  it('is HMAC-SHA-256, as createHmac makes it, for texts of every length and language', () => {
    const bytes = randomBytes(32);
    const key = createSecretKey(bytes);
    const mac = makeHmac(key);
    const check = (text: string) =>
      expect(mac(text)).to.equal(createHmac('sha256', bytes).update(text, 'utf8').digest('hex'));
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => void check(text)));
    for (const length of [0, 1, 5_461, 5_462, 16_384, 100_000]) {
      check('x'.repeat(length));
      check('€'.repeat(length));
    }
    check('short behind long');
  });

  it('is another one for each purpose, each key and each text', () => {
    const [one, other] = [randomBytes(32), randomBytes(32)];
    const ring = KeyRing.of([
      { id: 'a', key: one },
      { id: 'b', key: other },
    ]);
    const codes = [
      ring.mac('p', 't'),
      ring.mac('p', 't', 'b'),
      ring.mac('q', 't'),
      ring.mac('p', 'u'),
      ring.mac('p', ''),
    ];
    expect(new Set(codes).size).to.equal(codes.length);
    expect(ring.mac('p', 't', 'a')).to.equal(codes[0]);
    expect(ring.withActive('b').mac('p', 't')).to.equal(codes[1]);
    expect(() => ring.mac('p', 't', 'c')).to.throw(UnknownKeyError);
  });
});
