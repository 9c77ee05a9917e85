// Security check: C10.
import { expect } from 'chai';
import { ConfigurationError, ForbiddenError, ValidationError } from '../../../../src/core/index.ts';
import { TokenVerifier } from '../../../../src/core/security/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { forgeHmac, goodClaims, goodHeader, makeConfig, makeTokens, type Claims } from './tokens-fixture.ts';

describe('a service issues only what it accepts', () => {
  const clock = new FakeClock();
  const tokens = makeTokens(clock);
  const claims = goodClaims(clock);

  const withClaims = (changes: Claims) => forgeHmac(goodHeader, { ...claims, ...changes });

  it('lets a token in for the scopes and the tier that its bearer has', async () => {
    const tokenOf = async (changes: Claims) => withClaims(changes);
    const all = await tokenOf({ scope: 'all', tier: 'basic' });
    await tokens.verify(all, { scopes: ['read', 'write'], tier: 'basic' });
    for (const demand of [{ tier: 'pro' }, { scopes: ['unheard'] }, { tier: 'unheard' }] as const) {
      expect(await rejectionOf(tokens.verify(all, demand as never))).to.be.instanceOf(ForbiddenError);
    }
    const read = await tokenOf({ scope: 'read', tier: 'pro' });
    await tokens.verify(read, { tier: 'basic' });
    expect(await rejectionOf(tokens.verify(read, { scopes: ['read', 'write'] }))).to.be.instanceOf(
      ForbiddenError,
    );
    expect(await rejectionOf(tokens.verify(await tokenOf({}), { tier: 'basic' }))).to.be.instanceOf(
      ForbiddenError,
    );
  });

  it('issues nothing that it would not accept', async () => {
    const odd = [
      { subject: '' },
      { subject: 'ann', scopes: ['unheard'] },
      { subject: 'ann', tier: 'unheard' },
      { subject: 'ann', lifetime: 60_001 },
      { subject: 'ann', type: 'system' },
      { subject: 'ann', claims: { sub: 'eve' } },
      { subject: 'ann', claims: { scope: 'all' } },
      { subject: 'ann', claims: { text: 'x'.repeat(8_192) } },
      { subject: 'ann', claims: { toJSON: () => ({ sub: 'eve' }) } },
      { subject: 'ann', claims: { count: 1n } },
      { subject: 'ann', claims: { deep: JSON.parse('['.repeat(16) + ']'.repeat(16)) } },
    ];
    for (const input of odd) {
      expect(await rejectionOf(tokens.issue(input as never))).to.be.instanceOf(ValidationError);
    }
    const deepest = { deep: JSON.parse('['.repeat(15) + ']'.repeat(15)) };
    await tokens.verify((await tokens.issue({ subject: 'ann', claims: deepest })).token);
  });

  it('lists every fault of a configuration', () => {
    const config = {
      ...makeConfig(clock),
      algorithms: ['HS256', 'RS256'],
      issuer: '',
      audience: undefined,
      typ: 1,
      maxLifetime: Number.POSITIVE_INFINITY,
      requiredClaims: ['exp'],
      scopes: ['two words'],
      clockSkew: 60_001,
    };
    const make = () => new TokenVerifier(config as never);
    const faults = [
      'algorithms',
      'issuer',
      'audience',
      'typ',
      'maxLifetime',
      'requiredClaims',
      'scopes',
      'clockSkew',
    ];
    try {
      make();
      expect.fail('the configuration was taken');
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      expect(error.issues.map(({ path }) => path[0])).to.include.members(faults);
    }
  });
});
