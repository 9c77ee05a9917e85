// Security check: C12.
import { expect } from 'chai';
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import { ConfigurationError, Secret } from '../../../../src/core/index.ts';
import { TokenKeys, TokenService, type TokenKeyInput } from '../../../../src/core/security/index.ts';
import { faultsOf } from '../../../support/configuration-faults.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { hmacSecret, makeConfig, makePrivateKey, makeTokens, refusalOf } from './tokens-fixture.ts';

const pem = (key: KeyObject) => new Secret(key.export({ type: 'pkcs8', format: 'pem' }).toString());
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;

describe('weak token keys are refused', () => {
  const least = { HS256: 32, HS384: 48, HS512: 64 } as const;
  for (const [alg, bytes] of Object.entries(least) as ['HS256', number][]) {
    it(`${alg}: a secret of less than ${bytes} bytes`, () => {
      TokenKeys.of([{ kid: 'a', alg, secret: randomBytes(bytes) }]);
      TokenKeys.of([{ kid: 'a', alg, secret: new Secret(randomBytes(bytes).toString('base64')) }]);
      for (const length of [0, 1, bytes - 1]) {
        expect(
          faultsOf(() => TokenKeys.of([{ kid: 'a', alg, secret: randomBytes(length) }])).join(),
        ).to.match(new RegExp(`at least ${bytes}`));
      }
    });
  }

  it('secrets that nobody has drawn at random, and what is no base64', () => {
    const weak = [Buffer.alloc(32), Buffer.from('your-256-bit-secret-your-256-bit'), Buffer.alloc(32, 'ab')];
    const texts = ['not base64!', 'a password that is long enough to be 32 bytes long'];
    const secrets = [...weak, ...texts.map((text) => new Secret(text)), 'A'.repeat(44), undefined, null];
    for (const secret of secrets) {
      const make = () => TokenKeys.of([{ kid: 'a', alg: 'HS256', secret } as never]);
      expect(make).to.throw(ConfigurationError);
    }
  });

  const pairs: readonly (readonly [title: string, alg: string, key: KeyObject])[] = [
    ['an RSA key of 1,024 bits', 'RS256', rsa(1_024)],
    ['an RSA key of 2,047 bits', 'PS256', rsa(2_047)],
    [
      'an RSA key with the exponent 3',
      'RS256',
      generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 }).privateKey,
    ],
    ['an RSA key for ES256', 'ES256', rsa(2_048)],
    ['an elliptic key for RS256', 'RS256', ec('P-256')],
    ['a key on P-256 for ES384', 'ES384', ec('P-256')],
    ['a key on secp256k1 for ES256', 'ES256', ec('secp256k1')],
    ['a key of Ed448 for EdDSA', 'EdDSA', generateKeyPairSync('ed448').privateKey],
    ['a key of X25519 for EdDSA', 'EdDSA', generateKeyPairSync('x25519').privateKey],
  ];
  for (const [title, alg, key] of pairs) {
    it(title, () => {
      const input = { kid: 'a', alg, privateKey: pem(key) } as TokenKeyInput;
      expect(() => TokenKeys.of([input])).to.throw(ConfigurationError, /privateKey/);
    });
  }

  it('no message and no inspection holds a key', () => {
    const privateKey = new Secret(`-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXdvcmRz\n-----END PRIVATE KEY-----`);
    const faults = faultsOf(() => TokenKeys.of([{ kid: 'a', alg: 'EdDSA', privateKey }]));
    expect(faults.join()).not.to.match(/c2VjcmV0|secret-words|BEGIN/);
    const keys = TokenKeys.of([{ kid: 'a', alg: 'HS256', secret: hmacSecret }]);
    const service = makeTokens(new FakeClock());
    for (const text of [
      inspect(keys, { depth: 10, showHidden: true }),
      JSON.stringify(keys),
      inspect(service, { depth: 10 }),
    ]) {
      expect(text).not.to.include(hmacSecret.toString('hex').slice(0, 16));
      expect(text).not.to.include(hmacSecret.toString('base64').slice(0, 16));
    }
  });

  it('lists every fault: ids twice, ids of another form, no keys', () => {
    const key = { alg: 'HS256', secret: hmacSecret } as const;
    expect(
      faultsOf(() =>
        TokenKeys.of([
          { ...key, kid: 'a' },
          { ...key, kid: 'a' },
        ]),
      ).join(),
    ).to.match(/another key/);
    expect(faultsOf(() => TokenKeys.of([{ ...key, kid: '../a' }])).join()).to.match(/kid/);
    expect(faultsOf(() => TokenKeys.of([])).join()).to.match(/at least one/);
    expect(faultsOf(() => TokenKeys.of([{ ...key, kid: 'a', alg: 'none' } as never])).join()).to.match(/alg/);
  });

  it('a service needs a key that signs, for its algorithms alone', () => {
    const clock = new FakeClock();
    const { publicKey } = generateKeyPairSync('ed25519');
    const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const verifying = TokenKeys.of([{ kid: 'a', alg: 'EdDSA', publicKey: spki }]);
    const make = (keys: TokenKeys, alg: string) => () =>
      new TokenService({ ...makeConfig(clock), keys, algorithms: [alg] } as never);
    expect(make(verifying, 'EdDSA')).to.throw(ConfigurationError, /sign/);
    expect(make(TokenKeys.of([{ kid: 'a', alg: 'EdDSA', privateKey: makePrivateKey() }]), 'HS256')).to.throw(
      ConfigurationError,
      /algorithms/,
    );
  });

  it('a rotation overlaps, and publishes public keys alone', async () => {
    const clock = new FakeClock();
    const [before, after] = [makePrivateKey(), makePrivateKey()];
    const old = { kid: 'old', alg: 'EdDSA', privateKey: before } as const;
    const young = { kid: 'young', alg: 'EdDSA', privateKey: after } as const;
    const tokens = makeTokens(clock, { keys: TokenKeys.of([old]), algorithms: ['EdDSA'] });
    const first = (await tokens.issue({ subject: 'ann' })).token.reveal();
    tokens.useKeys(TokenKeys.of([young, old]));
    const second = (await tokens.issue({ subject: 'ann' })).token.reveal();
    expect(Buffer.from(second.split('.')[0] ?? '', 'base64url').toString()).to.include('young');
    for (const token of [first, second]) await tokens.verify(token);
    const { keys } = tokens.keys.toJwks();
    expect(keys.map(({ kid, alg, use }) => [kid, alg, use])).to.deep.equal([
      ['young', 'EdDSA', 'sig'],
      ['old', 'EdDSA', 'sig'],
    ]);
    expect(keys.flatMap((key) => Object.keys(key))).not.to.include.members(['d']);
    tokens.useKeys(TokenKeys.of([young]));
    await refusalOf(tokens, first);
    await tokens.verify(second);
    expect(() => tokens.useKeys(TokenKeys.of([{ kid: 'x', alg: 'HS256', secret: hmacSecret }]))).to.throw(
      ConfigurationError,
    );
    expect(TokenKeys.of([{ kid: 'x', alg: 'HS256', secret: hmacSecret }]).toJwks()).to.deep.equal({
      keys: [],
    });
  });
});
