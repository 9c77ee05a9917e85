// Security check: C6.
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createHmac, hkdfSync } from 'node:crypto';
import { ConfigurationError, Secret, ValidationError } from '../../../src/core/index.ts';
import { BlindIndex } from '../../../src/core/security/blind-index.ts';
import { ringOf, sampleKey } from './ring-of-keys.ts';

const place = { table: 'users', column: 'email' };
const ring = ringOf('a', 'b');
const text = fc.string({ unit: 'binary', maxLength: 40 });

describe('a blind index', () => {
  it('is equal for equal values and for no others', () => {
    const index = new BlindIndex(ring, place);
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(index.of(one)).to.equal(index.of(new Secret(one)));
        expect(index.of(one) === index.of(other)).to.equal(one === other);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is another one for another column, table or key', () => {
    const places = [
      place,
      { table: 'user', column: 'semail' },
      { table: 'email', column: 'users' },
      { ...place, column: 'phone' },
    ];
    const rings = [ring, ringOf('b', 'a')];
    const codes = places.flatMap((each) =>
      rings.map((keys) => new BlindIndex(keys, each).of('v').split(':')[1]),
    );
    expect(new Set(codes).size).to.equal(8);
  });

  it('is made as documented', () => {
    const master = Buffer.from(sampleKey('a').key.reveal(), 'base64');
    const key = Buffer.from(hkdfSync('sha256', master, '', 'liminal-data index 1 ["users","email"]', 32));
    const code = createHmac('sha256', key).update('ann@example.org').digest('base64url');
    expect(new BlindIndex(ring, place).of('ann@example.org')).to.equal(`a:${code}`);
  });

  it('finds rows by every key while a rotation goes on', () => {
    const old = new BlindIndex(ringOf('old'), place);
    const [rotating, done] = [ringOf('new', 'old'), ringOf('new')].map((keys) => new BlindIndex(keys, place));
    expect(rotating?.candidates('v')).to.deep.equal([done?.of('v'), old.of('v')]);
    expect(rotating?.candidates('v')[0]).to.equal(rotating?.of('v'));
    expect(rotating?.keyIdOf(old.of('v'))).to.equal('old');
    for (const other of ['', 'v', 'a:b:c', ':x', 'a b:c'])
      expect(rotating?.keyIdOf(other)).to.equal(undefined);
  });

  it('keeps as many bits as told, and finds what it found', () => {
    const whole = Buffer.from(new BlindIndex(ring, place).of('v').split(':')[1] ?? '', 'base64url');
    for (let bits = 8; bits <= 256; bits += 1) {
      const cut = Buffer.from(new BlindIndex(ring, place, { bits }).of('v').split(':')[1] ?? '', 'base64url');
      expect(cut).to.have.lengthOf(Math.ceil(bits / 8));
      const binary = (bytes: Buffer) =>
        Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
      expect(binary(cut).slice(0, bits)).to.equal(binary(whole).slice(0, bits));
      expect(binary(cut).slice(bits)).to.match(/^0*$/);
    }
    const few = new BlindIndex(ring, place, { bits: 8 });
    const codes = new Set(Array.from({ length: 5_000 }, (_, number) => few.of(`v${number}`)));
    expect(codes.size).to.equal(256);
  });

  it('says what it cannot take', () => {
    for (const bits of [7, 257, 8.5, Number.NaN])
      expect(() => new BlindIndex(ring, place, { bits })).to.throw(ConfigurationError, /bits/);
    expect(() => new BlindIndex(ring, { table: '', column: '\ud800' })).to.throw(
      ConfigurationError,
      /table.*\n.*column/,
    );
    const index = new BlindIndex(ring, place);
    expect(() => index.of('\ud800')).to.throw(ValidationError);
    expect(() => index.candidates('\udfff')).to.throw(ValidationError);
  });
});
