// Security check: C4.
import { expect } from 'chai';
import * as fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { ConfigurationError, Secret, UnknownKeyError } from '../../../src/core/index.ts';
import { KeyRing } from '../../../src/core/security/key-ring.ts';
import { soakCount } from '../../support/engines.ts';
import { ringOf, sampleKey } from './ring-of-keys.ts';

const hash = (word: string) => createHash('sha256').update(word).digest();
const weak: Readonly<Record<string, Uint8Array>> = {
  empty: Buffer.alloc(0),
  'of 16 bytes': randomBytes(16),
  'of 31 bytes': randomBytes(31),
  'of 33 bytes': randomBytes(33),
  'of 64 bytes': randomBytes(64),
  'of zeros': Buffer.alloc(32),
  'of one byte': Buffer.alloc(32, 0xa7),
  'that counts up': Buffer.from(Array.from({ length: 32 }, (_, index) => index)),
  'that counts down by 3, over the border': Buffer.from(
    Array.from({ length: 32 }, (_, index) => 40 - 3 * index),
  ),
  'of two halves that are the same': Buffer.concat([randomBytes(16)].flatMap((half) => [half, half])),
  'of 4 bytes again and again': Buffer.alloc(32, randomBytes(4)),
  'that is hexadecimal text': Buffer.from(randomBytes(16).toString('hex')),
  'that is base64 text': Buffer.from(randomBytes(24).toString('base64')),
  'that is a sentence': Buffer.from('correct horse battery staple, ok'),
  'that is words of 43 letters': Buffer.from('correcthorsebatterystaplecorrecthorsebattec', 'base64'),
  'that is words in capitals': Buffer.from('CORRECTHORSEBATTERYSTAPLECORRECTHORSEBATTEC', 'base64'),
  'that is a password with zeros behind it': Buffer.alloc(32).fill('hunter2', 0, 7),
  'of few bytes': Buffer.from(Array.from({ length: 32 }, (_, index) => (index * index * 37) % 11)),
  'of the example database of the legacy application': Buffer.from('0123456789abcdef0123456789abcdef'),
  'of FIPS 197': Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex'),
  'of SP 800-38A': Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex'),
  'of the GCM paper': Buffer.from('feffe9928665731c6d6a8f9467308308'.repeat(2), 'hex'),
  'that is the hash of nothing': hash(''),
  'that is the hash of a common word': hash('password'),
};

describe('a key', () => {
  for (const [what, key] of Object.entries(weak)) {
    it(`${what} is refused, with the command that makes a good one and without the key`, () => {
      const base64 = Buffer.from(key).toString('base64');
      for (const environment of [undefined, 'development', 'test', 'production']) {
        const before = process.env['NODE_ENV'];
        if (environment === undefined) delete process.env['NODE_ENV'];
        else process.env['NODE_ENV'] = environment;
        try {
          const calls = [
            () => KeyRing.of([{ id: 'a', key }]),
            () => KeyRing.of([{ id: 'a', key: new Secret(base64) }]),
            () => KeyRing.fromEnv({ LIMINAL_ENCRYPTION_KEY: `a:${base64}` }),
            () => ringOf('good').withActive({ id: 'a', key }),
          ];
          for (const call of calls) {
            expect(call).to.throw(ConfigurationError, /liminal-data keys generate/);
            expect(call).not.to.throw(base64 === '' ? /^$/ : base64);
          }
        } finally {
          if (before === undefined) delete process.env['NODE_ENV'];
          else process.env['NODE_ENV'] = before;
        }
      }
    });
  }

  it('of random bytes is taken', () => {
    const count = soakCount(100_000);
    for (let round = 0; round < count; round += 1) KeyRing.of([{ id: 'a', key: randomBytes(32) }]);
  }).timeout(120_000);

  it('twice in a ring is refused, and so is an id, and every fault is told at once', () => {
    const key = randomBytes(32);
    const faults = (call: () => unknown) => {
      try {
        call();
      } catch (error) {
        if (error instanceof ConfigurationError) return error.issues.map(({ path }) => path.join('.'));
      }
      return 'none';
    };
    expect(faults(() => KeyRing.of([]))).to.deep.equal(['']);
    expect(
      faults(() =>
        KeyRing.of([
          { id: 'a', key },
          { id: 'b', key },
        ]),
      ),
    ).to.deep.equal(['1.key']);
    expect(faults(() => KeyRing.of([{ id: 'a', key }, sampleKey('a')]))).to.deep.equal(['1.id']);
    expect(
      faults(() =>
        KeyRing.of([
          { id: 'a:b', key: Buffer.alloc(3) },
          { id: '', key: new Secret('no base64!') },
        ]),
      ),
    ).to.deep.equal(['0.id', '0.key', '1.id', '1.key']);
    expect(faults(() => KeyRing.of([{ id: 'a', key: 'text' as unknown as Secret }]))).to.deep.equal([
      '0.key',
    ]);
    const ring = KeyRing.of([{ id: 'a', key }]);
    expect(faults(() => ring.withActive({ id: 'b', key }))).to.deep.equal(['key']);
    expect(faults(() => ring.withActive({ ...sampleKey('a'), id: 'a' }))).to.deep.equal(['id']);
    expect(faults(() => ring.without('a'))).to.deep.equal(['']);
  });

  it('is found by its id alone, and an id is never more than a word', () => {
    const ring = ringOf('a', 'b');
    expect(ring.find('b').id).to.equal('b');
    const ids = fc.oneof(
      fc.string(),
      fc.constantFrom('__proto__', 'toString', '../a', "a' or '1'='1", 'a\n', 'A'),
    );
    fc.assert(
      fc.property(
        ids.filter((id) => id !== 'a' && id !== 'b'),
        (id) => {
          expect(() => ring.find(id)).to.throw(UnknownKeyError);
          expect(ring.has(id)).to.equal(false);
        },
      ),
    );
    for (const id of ['a b', 'a/b', 'a:b', 'ä', '', 'x'.repeat(65), 'a\n']) {
      expect(() => KeyRing.of([{ id, key: randomBytes(32) }])).to.throw(ConfigurationError, /0\.id/);
    }
    expect(KeyRing.of([{ id: `A-z_0.${'x'.repeat(58)}`, key: randomBytes(32) }]).ids).to.have.lengthOf(1);
  });

  it('changes its place in a new ring; the old one stays as it was', () => {
    const ring = ringOf('a', 'b');
    const turned = ring.withActive('b');
    const grown = turned.withActive(sampleKey('c'));
    expect([ring.activeId, turned.activeId, grown.activeId]).to.deep.equal(['a', 'b', 'c']);
    expect(grown.ids).to.deep.equal(['c', 'b', 'a']);
    expect(grown.without('b').ids).to.deep.equal(['c', 'a']);
    expect(ring.ids).to.deep.equal(['a', 'b']);
    expect(() => ring.withActive('c')).to.throw(UnknownKeyError);
    expect(() => ring.without('c')).to.throw(UnknownKeyError);
  });
});
