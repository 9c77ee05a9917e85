/**
 * Tokens: a user signs in, sends requests, refreshes and signs out; a copied refresh token ends the session.
 * `DATABASE_URL=postgres://… node examples/08-tokens.ts` does the same on PostgreSQL.
 */
import { randomBytes } from 'node:crypto';
import {
  DatabaseProviderFactory,
  InvalidTokenError,
  currentActor,
  databaseConfigFromEnv,
} from 'liminal-data';
import { Migrator } from 'liminal-data/migrate';
import {
  RefreshTokens,
  Revocations,
  TokenKeys,
  TokenService,
  authenticate,
  tokenMigrations,
} from 'liminal-data/security';

const provider = DatabaseProviderFactory.createProvider(databaseConfigFromEnv());
await new Migrator(provider, tokenMigrations).latest();

const revocations = new Revocations(provider);
const tokens = new TokenService({
  keys: TokenKeys.of([{ kid: 'example', alg: 'HS256', secret: randomBytes(32) }]),
  algorithms: ['HS256'],
  issuer: 'https://chat.example',
  audience: 'chat',
  typ: 'at+jwt',
  maxLifetime: 15 * 60_000,
  requiredClaims: ['exp', 'iat', 'sub', 'jti'],
  scopes: ['read', 'write'],
  tiers: ['basic', 'pro'],
  revocations,
  refreshTokens: new RefreshTokens(provider, {
    lifetime: 7 * 86_400_000,
    sessionLifetime: 30 * 86_400_000,
    revocations,
  }),
});

const read = authenticate({ tokens, scopes: ['read'] }).wrap(() =>
  Response.json({ hello: currentActor()?.id }),
);
const write = authenticate({ tokens, scopes: ['write'] }).wrap(() => Response.json({ written: true }));

async function show(what: string, handle: typeof read, token?: string): Promise<void> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await handle(new Request('http://chat.example/threads', { headers }));
  console.log(`${what}: ${response.status}`);
}

const first = await tokens.signIn({ subject: 'ann', scopes: ['read'], tier: 'basic' });
const token = first.access.token.reveal();
await show('without a token', read);
await show('with a token', read, token);
await show('without the scope', write, token);
await show('with a changed token', read, `${token.slice(0, -4)}AAAA`);

const second = await tokens.refresh(first.refresh.token);
await show('after a refresh', read, second.access.token.reveal());

await tokens.refresh(first.refresh.token).catch((error: unknown) => {
  if (error instanceof InvalidTokenError)
    console.log('a refresh token that was used before ends the session');
});
await show('after the end of the session', read, second.access.token.reveal());

await provider.close();
