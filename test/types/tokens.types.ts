/** What tokens must refuse when they are compiled. Each line below a directive must be an error. */
import {
  RemoteKeySet,
  TokenService,
  TokenVerifier,
  authenticate,
  type TokenKeys,
} from '../../src/core/security/index.ts';

declare const keys: TokenKeys;

const good = {
  keys,
  algorithms: ['EdDSA'],
  issuer: 'https://chat.example',
  audience: 'chat',
  typ: 'at+jwt',
  maxLifetime: 900_000,
  requiredClaims: ['exp', 'iat', 'sub'],
} as const;

const tokens = new TokenService({ ...good, scopes: ['read', 'write'], tiers: ['basic', 'pro'] });
const { algorithms: _a, ...withoutAlgorithms } = good;
const { issuer: _i, ...withoutIssuer } = good;
const { audience: _u, ...withoutAudience } = good;
const { typ: _t, ...withoutType } = good;
const { maxLifetime: _m, ...withoutLifetime } = good;
const { requiredClaims: _r, ...withoutClaims } = good;

export function leaveOut(): void {
  // @ts-expect-error the algorithms are mandatory
  new TokenVerifier(withoutAlgorithms);
  // @ts-expect-error the issuer is mandatory
  new TokenVerifier(withoutIssuer);
  // @ts-expect-error the audience is mandatory
  new TokenVerifier(withoutAudience);
  // @ts-expect-error the type is mandatory
  new TokenVerifier(withoutType);
  // @ts-expect-error the longest lifetime is mandatory
  new TokenVerifier(withoutLifetime);
  // @ts-expect-error the required claims are mandatory
  new TokenVerifier(withoutClaims);
}

export function weaken(): void {
  // @ts-expect-error there is no unsigned token
  new TokenVerifier({ ...good, algorithms: ['none'] });
  // @ts-expect-error one algorithm at least
  new TokenVerifier({ ...good, algorithms: [] });
  // @ts-expect-error of one family: a public key is no secret
  new TokenVerifier({ ...good, algorithms: ['RS256', 'HS256'] });
  // @ts-expect-error exp is always required
  new TokenVerifier({ ...good, requiredClaims: ['iat', 'sub'] });
  // @ts-expect-error a shared secret is never published
  new RemoteKeySet({ url: 'https://login.example/jwks', algorithms: ['HS256'] });
  // @ts-expect-error a service signs by keys of its own
  new TokenService({ ...good, keys: new RemoteKeySet({ url: 'https://x/', algorithms: ['EdDSA'] }) });
}

export async function useWords(token: string): Promise<void> {
  await tokens.issue({ subject: 'ann', scopes: ['read'], tier: 'pro' });
  const { actor } = await tokens.verify(token, { scopes: ['write'], tier: 'basic' });
  const scopes: readonly ('read' | 'write')[] = actor.scopes;
  // @ts-expect-error a scope that is not declared
  await tokens.issue({ subject: 'ann', scopes: ['admin'] });
  // @ts-expect-error a tier that is not declared
  await tokens.signIn({ subject: 'ann', tier: 'gold' });
  // @ts-expect-error a scope that is not declared
  await tokens.verify(token, { scopes: ['admin'] });
  // @ts-expect-error a token never stands for the application itself
  await tokens.issue({ subject: 'ann', type: 'system' });
  authenticate({ tokens, scopes: ['read'], tier: 'pro' });
  // @ts-expect-error a scope that is not declared
  authenticate({ tokens, scopes: ['admin', ...scopes] });
  // @ts-expect-error a tier that is not declared
  authenticate({ tokens, tier: 'gold' });
  // @ts-expect-error without somebody who verifies there is no authentication
  authenticate({ required: false });
}
