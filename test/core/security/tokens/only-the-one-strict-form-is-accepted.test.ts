// Security check: C11.
import { expect } from 'chai';
import { generateKeyPairSync } from 'node:crypto';
import { Secret } from '../../../../src/core/index.ts';
import { TokenKeys } from '../../../../src/core/security/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import {
  encode,
  forgeEdwards,
  forgeHmac,
  goodClaims,
  goodHeader,
  hmacSecret,
  makeListeningLogger,
  makeTokens,
  refusalOf,
  type Claims,
} from './tokens-fixture.ts';

describe('of tokens, only the one strict form is accepted', () => {
  const clock = new FakeClock();
  const { logger, reasons } = makeListeningLogger();
  const tokens = makeTokens(clock, { logger });
  const claims = goodClaims(clock);
  const { iat } = claims as { iat: number };

  const accepts = (token: string) => tokens.verify(token);
  const refuses = async (token: string, reason: RegExp) => {
    reasons.length = 0;
    const error = await refusalOf(tokens, token);
    expect(error.message).to.equal('The token is not accepted. Sign in again.');
    expect(error.cause).to.equal(undefined);
    expect(String(reasons)).to.match(reason);
  };
  const withHeader = (changes: Claims) => forgeHmac({ ...goodHeader, ...changes }, claims);

  it('accepts a good one, and hands out claims without a prototype', async () => {
    const verified = await accepts(
      forgeHmac(goodHeader, { ...claims, scope: 'read unknown', tier: 'pro', a: { b: 1 } }),
    );
    expect(verified.actor).to.deep.equal({
      type: 'user',
      id: 'ann',
      scopes: ['read'],
      tier: 'pro',
      tokenId: 'token-1',
    });
    expect(Object.getPrototypeOf(verified.claims)).to.equal(null);
    expect(Object.getPrototypeOf(verified.claims['a'])).to.equal(null);
    expect(Object.isFrozen(verified.claims)).to.equal(true);
  });

  it('accepts what it has issued, by the clock', async () => {
    const { token, expiresAt } = await tokens.issue({
      subject: 'ann',
      scopes: ['write'],
      tenant: 't',
      lifetime: 30_500,
    });
    const { actor } = await tokens.verify(token, { scopes: ['write'] });
    expect(actor).to.include({ id: 'ann', tenant: 't' });
    expect(expiresAt).to.equal(iat * 1_000 + 30_000);
  });

  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    '',
    null,
    256,
    ['HS256'],
    'HS384',
    'RS256',
    'hs256',
    'dir',
  ]) {
    it(`refuses the algorithm ${JSON.stringify(alg)}, signed and unsigned`, async () => {
      await refuses(withHeader({ alg }), /algorithm is not accepted|names no algorithm/);
      await refuses(`${encode({ ...goodHeader, alg })}.${encode(claims)}.`, /three parts/);
      await refuses(`${encode({ ...goodHeader, alg })}.${encode(claims)}.AA`, /algorithm/);
    });
  }

  it('refuses a public key that is used as the secret of an HMAC', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const pemPrivate = new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    const rsa = makeTokens(clock, {
      keys: TokenKeys.of([{ kid: 'one', alg: 'RS256', privateKey: pemPrivate }]),
      algorithms: ['RS256'],
    });
    await rsa.verify((await rsa.issue({ subject: 'ann' })).token);
    for (const secret of [pem, pem.trim(), publicKey.export({ type: 'spki', format: 'der' })]) {
      await refusalOf(rsa, forgeHmac(goodHeader, claims, Buffer.from(secret)));
      await refusalOf(rsa, forgeHmac({ ...goodHeader, alg: 'RS256' }, claims, Buffer.from(secret)));
    }
  });

  it('binds each key to its one algorithm', async () => {
    const both = makeTokens(clock, {
      keys: TokenKeys.of([
        { kid: 'one', alg: 'HS256', secret: hmacSecret },
        { kid: 'two', alg: 'HS512', secret: hmacSecret.toReversed() },
      ]),
      algorithms: ['HS256', 'HS512'],
    });
    await both.verify(forgeHmac(goodHeader, claims));
    expect(both.keys.findKey('one', 'HS256')?.kid).to.equal('one');
    expect(both.keys.findKey('one', 'HS512')).to.equal(undefined);
    await refusalOf(both, forgeHmac({ ...goodHeader, alg: 'HS512' }, claims, hmacSecret, 'sha512'));
    await refusalOf(both, forgeHmac({ ...goodHeader, kid: 'two' }, claims));
  });

  for (const name of ['jku', 'x5u', 'jwk', 'x5c', 'crit', 'b64', 'zip', 'enc', 'cty']) {
    it(`refuses a header with ${name}, whatever it holds`, async () => {
      for (const value of ['https://evil.test/jwks.json', [], {}, null, false, true, ['exp']]) {
        await refuses(withHeader({ [name]: value }), new RegExp(`has "${name}"`));
      }
    });
  }

  it('refuses a key that the token brings along', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const header = {
      alg: 'EdDSA',
      typ: goodHeader.typ,
      kid: 'one',
      jwk: publicKey.export({ format: 'jwk' }),
    };
    await refuses(forgeEdwards(header, claims, privateKey), /has "jwk"/);
  });

  const paths = [
    '../../../../dev/null',
    '/etc/passwd',
    "' or 1=1 --",
    'one\0',
    'one ',
    '',
    'ö',
    'a'.repeat(129),
  ];
  for (const kid of [...paths, '__proto__/', null, 1, ['one'], undefined]) {
    it(`refuses the key id ${JSON.stringify(kid)?.slice(0, 30)}`, () =>
      refuses(withHeader({ kid }), /key id/));
  }

  it('refuses unknown key ids, also such as every object has', async () => {
    for (const kid of ['two', '__proto__', 'constructor', 'toString', 'ONE', 'one.']) {
      await refuses(withHeader({ kid }), /no key/);
    }
  });

  it('refuses a member that is there twice, in the header and the claims, also in another spelling', async () => {
    const text = JSON.stringify(claims);
    for (const twice of [
      '"sub":"eve"',
      '"s\\u0075b":"eve"',
      '"x":{"a":1,"a":2}',
      '"x":[{"a":1,"\\u0061":2}]',
    ]) {
      await refuses(forgeHmac(goodHeader, `{${twice},${text.slice(1)}`), /strict/);
      await refuses(forgeHmac(goodHeader, `${text.slice(0, -1)},${twice}}`), /strict/);
    }
    const header = JSON.stringify(goodHeader);
    await refuses(forgeHmac(`{"alg":"none",${header.slice(1)}`, claims), /strict/);
    await accepts(forgeHmac(goodHeader, { ...claims, text: '"sub":"eve","sub":1' }));
  });

  it('refuses what is no JSON object, is too deep, or is not UTF-8', async () => {
    const deep = `${'['.repeat(2_000)}${']'.repeat(2_000)}`;
    for (const text of ['null', '1', '"a"', '[]', '', '{', '{}x', ' ', `{"a":${deep}}`, '\uFEFF{}']) {
      await refuses(forgeHmac(text, claims), /strict|three parts/);
      await refuses(forgeHmac(goodHeader, text), /strict|three parts/);
    }
    const bytes = Buffer.from([...Buffer.from('{"sub":"'), 0xff, 0xfe, ...Buffer.from('"}')]);
    const content = `${encode(goodHeader)}.${bytes.toString('base64url')}`;
    const [, , signature] = forgeHmac(goodHeader, claims).split('.');
    await refuses(`${content}.${signature}`, /signature/);
  });

  it('keeps __proto__ and its like as plain claims', async () => {
    const text = `${JSON.stringify(claims).slice(0, -1)},"__proto__":{"sub":"eve"},"constructor":1}`;
    const verified = await accepts(forgeHmac(goodHeader, text));
    expect(verified.actor.id).to.equal('ann');
    expect(Object.keys(verified.claims)).to.include('__proto__');
    expect(({} as { sub?: string }).sub).to.equal(undefined);
  });

  it('refuses base64url that is not canonical', async () => {
    const good = forgeHmac(goodHeader, claims);
    const [head = '', payload = '', signature = ''] = good.split('.');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // 32 bytes leave two bits of the last character unused.
    const next = alphabet[alphabet.indexOf(signature.at(-1) ?? '') ^ 1];
    const sloppy = `${signature.slice(0, -1)}${next}`;
    expect(Buffer.from(sloppy, 'base64url')).to.deep.equal(Buffer.from(signature, 'base64url'));
    await refuses(`${head}.${payload}.${sloppy}`, /canonical/);
    const others = [
      `${good}=`,
      `${good}\n`,
      ` ${good}`,
      good.replaceAll('.', '. '),
      `${good}.`,
      `.${good}`,
      `${good}.AA`,
    ];
    for (const other of others) await refuses(other, /three parts/);
    await refuses(`${head}=.${payload}.${signature}`, /three parts/);
    await refuses(`${head}.${payload}.${signature.slice(0, -1)}+`, /three parts/);
    await refuses(`${head}A.${payload}.${signature}`, /canonical|strict/);
  });

  it('refuses a nested or encrypted token, the JSON forms, and what is no text', async () => {
    const inner = forgeHmac(goodHeader, claims);
    await refuses(forgeHmac({ ...goodHeader, cty: 'JWT' }, inner), /has "cty"/);
    await refuses(forgeHmac(goodHeader, inner), /strict/);
    await refuses(
      `${encode({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', kid: 'one' })}..AA.AA.AA`,
      /three parts/,
    );
    const [head, payload, signature] = inner.split('.');
    await refuses(JSON.stringify({ protected: head, payload, signature }), /three parts/);
    for (const odd of [undefined, null, 1, {}, [inner]]) await refuses(odd as never, /three parts/);
  });
});
