/** What the tests of tokens share: keys, a service, and a forger who has the keys and no scruples. */
import { createHmac, generateKeyPairSync, randomBytes, sign as signBytes, type KeyLike } from 'node:crypto';
import {
  DatabaseProviderFactory,
  InvalidTokenError,
  Secret,
  type DatabaseProvider,
  type Logger,
  type ProviderOptions,
} from '../../../../src/core/index.ts';
import { Migrator } from '../../../../src/core/migrate/index.ts';
import {
  TokenKeys,
  TokenService,
  tokenMigrations,
  type TokenServiceConfig,
} from '../../../../src/core/security/index.ts';
import type { TokenTables } from '../../../../src/core/security/tokens/token-tables.ts';
import type { FakeClock } from '../../../support/fake-clock.ts';
import { plantText } from '../../../support/secrets/planted-secrets.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { watchedLogger } from '../../../support/secrets/watched-logger.ts';

export type Claims = Record<string, unknown>;

export const issuer = 'https://issuer.test';
export const audience = 'chat';
export const typ = 'at+jwt';

/** A private key as PEM, of Ed25519. */
export function makePrivateKey(): Secret {
  const { privateKey } = generateKeyPairSync('ed25519');
  return new Secret(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

export const hmacSecret = randomBytes(64);

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs whatever it is given with HMAC, as somebody does who has the secret. Strings go as they are. */
export function forgeHmac(
  header: unknown,
  claims: unknown,
  key: Uint8Array = hmacSecret,
  hash = 'sha256',
): string {
  const content = `${encode(header)}.${encode(claims)}`;
  return planted(`${content}.${createHmac(hash, key).update(content).digest('base64url')}`);
}

/** Signs whatever it is given with an Ed25519 key. */
export function forgeEdwards(header: unknown, claims: unknown, key: KeyLike): string {
  const content = `${encode(header)}.${encode(claims)}`;
  return planted(`${content}.${signBytes(null, Buffer.from(content), key).toString('base64url')}`);
}

/** A token is a secret, also where it is handed on as text. */
function planted(token: string): string {
  plantText(token);
  return token;
}

export const goodHeader = { alg: 'HS256', typ, kid: 'one' };

/** Claims that are good at the time of a clock. */
export function goodClaims(clock: FakeClock): Claims {
  const iat = Math.floor(clock.now() / 1_000);
  return { iss: issuer, aud: audience, sub: 'ann', iat, exp: iat + 60, jti: 'token-1' };
}

type Config = TokenServiceConfig<'read' | 'write' | 'all', 'basic' | 'pro'>;

/** The configuration of the tests: HMAC, a minute at most, no revocations. */
export function makeConfig(clock: FakeClock, changes: Partial<Config> = {}): Config {
  return {
    keys: TokenKeys.of([{ kid: 'one', alg: 'HS256', secret: hmacSecret }]),
    algorithms: ['HS256'],
    issuer,
    audience,
    typ,
    maxLifetime: 60_000,
    requiredClaims: ['exp', 'iat', 'sub'],
    scopes: ['read', 'write', 'all'],
    scopesWithin: { all: ['read', 'write'] },
    tiers: ['basic', 'pro'],
    clock,
    ...changes,
  };
}

export type TestTokens = TokenService<'read' | 'write' | 'all', 'basic' | 'pro'>;

export function makeTokens(clock: FakeClock, changes: Partial<Config> = {}): TestTokens {
  return new TokenService(makeConfig(clock, changes));
}

/** The error that a token is refused with; fails where it is accepted, or the error is no outcome of a check. */
export async function refusalOf(
  tokens: Pick<TestTokens, 'verify'>,
  token: string,
): Promise<InvalidTokenError> {
  const error = await rejectionOf(tokens.verify(token));
  if (!(error instanceof InvalidTokenError)) throw error;
  return error;
}

/** A logger that keeps the reasons of refusals. */
export function makeListeningLogger(): { logger: Logger; reasons: unknown[] } {
  const reasons: unknown[] = [];
  const hear = (fields: Readonly<Record<string, unknown>>) => void reasons.push(fields['reason']);
  return { logger: watchedLogger({ debug: hear, info: hear, warn: hear, error: hear }), reasons };
}

/** Opens a database that has the tables of tokens. */
export async function openTokenDatabase(
  url: string,
  options: ProviderOptions<TokenTables> = {},
): Promise<DatabaseProvider<TokenTables>> {
  const provider = DatabaseProviderFactory.createProvider<TokenTables>(url, options);
  await new Migrator(provider, tokenMigrations).latest();
  return provider;
}
