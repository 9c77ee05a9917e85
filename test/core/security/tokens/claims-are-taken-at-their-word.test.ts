// Security check: C14.
import { expect } from 'chai';
import { ExpiredTokenError, ValidationError } from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import {
  forgeHmac,
  goodClaims,
  goodHeader,
  makeListeningLogger,
  makeTokens,
  refusalOf,
  type Claims,
} from './tokens-fixture.ts';

describe('claims are taken at their word', () => {
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
  const withClaims = (changes: Claims) => forgeHmac(goodHeader, { ...claims, ...changes });

  const badTimes = [
    null,
    1e308,
    -1,
    0,
    1.5,
    iat + 60.5,
    '9999999999',
    String(iat + 60),
    true,
    [iat + 60],
    {},
  ];
  for (const exp of badTimes) {
    it(`refuses exp ${JSON.stringify(exp)}`, () => refuses(withClaims({ exp }), /time|missing|begins|lives/));
  }

  it('refuses times that JSON can write and nobody can count', async () => {
    for (const exp of ['1e999', '-0', '9007199254740993', `${iat}.0000000001e1`]) {
      const text = JSON.stringify(claims).replace(/"exp":\d+/, `"exp":${exp}`);
      await refuses(forgeHmac(goodHeader, text), /time|begins|lives|strict/);
    }
  });

  it('refuses missing claims, those of the configuration among them', async () => {
    for (const name of ['exp', 'iat', 'sub']) await refuses(withClaims({ [name]: undefined }), /missing/);
    const strict = makeTokens(clock, { requiredClaims: ['exp', 'iat', 'sub', 'jti', 'nonce'] });
    await refusalOf(strict, forgeHmac(goodHeader, claims));
    await strict.verify(forgeHmac(goodHeader, { ...claims, nonce: 'n' }));
    expect(await rejectionOf(strict.issue({ subject: 'ann' }))).to.be.instanceOf(ValidationError);
  });

  it('refuses another issuer, audience or type', async () => {
    for (const iss of [undefined, 'https://issuer.test/', 'HTTPS://ISSUER.TEST', [claims['iss']], null]) {
      await refuses(withClaims({ iss }), /issuer/);
    }
    for (const aud of [undefined, 'chat2', 'CHAT', [], ['other'], [['chat']], { chat: 'chat' }, null]) {
      await refuses(withClaims({ aud }), /audience/);
    }
    await accepts(withClaims({ aud: ['other', 'chat'] }));
    for (const typ of [undefined, 'JWT', 'AT+JWT', 'application/at+jwt', '', null, ['at+jwt']]) {
      await refuses(withHeader({ typ }), /type/);
    }
  });

  it('refuses what lives longer than the maximum, was issued in the future or is not good yet', async () => {
    await accepts(withClaims({ exp: iat + 60 }));
    await refuses(withClaims({ exp: iat + 61 }), /too long/);
    await refuses(withClaims({ exp: 253_402_300_799 }), /too long/);
    await accepts(withClaims({ iat: iat + 5, exp: iat + 60 }));
    await refuses(withClaims({ iat: iat + 6, exp: iat + 60 }), /future/);
    await refuses(withClaims({ nbf: iat + 6 }), /not come/);
    await refuses(withClaims({ exp: iat }), /before it begins/);
    for (const nbf of [1.5, '1', -1]) await refuses(withClaims({ nbf }), /time/);
  });

  it('refuses claims of the wrong kind', async () => {
    const wrong = {
      sub: 1,
      jti: {},
      scope: ['read'],
      tier: 1,
      tenant: '',
      sid: 1,
      subject_type: 'system',
      iat_ms: 5,
    };
    for (const [name, value] of Object.entries(wrong))
      await refuses(withClaims({ [name]: value }), /no |unknown|range/);
    await refuses(withClaims({ sub: '' }), /subject/);
    await refuses(withClaims({ sub: 'a'.repeat(256) }), /subject/);
  });

  it('refuses ids that no database takes, so that they could not be revoked', async () => {
    for (const text of ['a\0b', 'a\ud800', '\udc00a']) {
      for (const name of ['sub', 'jti', 'sid', 'tenant'])
        await refuses(withClaims({ [name]: text }), /no short/);
      expect(await rejectionOf(tokens.issue({ subject: text }))).to.be.instanceOf(ValidationError);
    }
    await accepts(withClaims({ sub: 'Zoë 😀' }));
  });

  it('says of an expired one that it is expired, and only where it is authentic', async () => {
    const old = goodClaims(new FakeClock(clock.now() - 120_000));
    expect(await refusalOf(tokens, forgeHmac(goodHeader, old))).to.be.instanceOf(ExpiredTokenError);
    const forged = await refusalOf(tokens, forgeHmac(goodHeader, old, Buffer.alloc(64, 7)));
    expect(forged).not.to.be.instanceOf(ExpiredTokenError);
  });
});
