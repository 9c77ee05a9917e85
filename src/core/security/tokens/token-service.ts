import { createUuidSource } from '../../domain/uuid.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { ExpiredTokenError, InvalidTokenError } from '../../foundation/errors/security-errors.ts';
import { ValidationError } from '../../foundation/errors/validation-error.ts';
import { Secret } from '../../foundation/secret.ts';
import { longestToken } from './compact-token.ts';
import { encodeClaims, type IssueInput, type TokenStamp } from './encode-claims.ts';
import { plainGrant, type TokenGrant } from './grant.ts';
import type { IssuedToken, TokenMark, TokenPair } from './issued-tokens.ts';
import type { IssuedRefreshToken, RefreshTokens, RotateOptions } from './refresh-tokens.ts';
import type { Revocations } from './revocations.ts';
import type { VerifiedToken } from './token-claims.ts';
import { longestSkew, parseTokenConfig, type TokenSettings } from './token-config.ts';
import type { TokenDemand } from './token-demand.ts';
import type { TokenKeys } from './token-keys.ts';
import type { TokenCallOptions } from './token-provider.ts';
import type { TokenServiceConfig } from './token-service-config.ts';
import { TokenVerifier } from './token-verifier.ts';

/** When a token is issued, and behind which revocation. */
type Moment = Pick<TokenStamp, 'issuedAt' | 'revokedUntil'>;

/**
 * Issues, verifies, refreshes and revokes tokens. Access tokens are signed JWTs; refresh tokens are random bits.
 *
 * @example
 * const tokens = new TokenService({
 *   keys: TokenKeys.of([{ kid: '2026-01', alg: 'EdDSA', privateKey }]),
 *   algorithms: ['EdDSA'],
 *   issuer: 'https://chat.example',
 *   audience: 'chat',
 *   typ: 'at+jwt',
 *   maxLifetime: 900_000,
 *   requiredClaims: ['exp', 'iat', 'sub', 'jti'],
 *   scopes: ['read', 'write'],
 *   tiers: ['basic', 'pro'],
 *   revocations,
 *   refreshTokens, // of the same revocations
 * });
 * const { access, refresh } = await tokens.signIn({ subject: user.id, scopes: ['read'], tier: 'basic' });
 */
export class TokenService<Scope extends string = never, Tier extends string = never> {
  readonly #settings: TokenSettings;
  readonly #verifier: TokenVerifier<Scope, Tier>;
  /** Does not ask whether a token was revoked, so that it needs no connection beside that of a transaction. */
  readonly #formVerifier: TokenVerifier<Scope, Tier>;
  readonly #refreshTokens: RefreshTokens | undefined;
  readonly #renew: RotateOptions['renew'];
  readonly #newId: () => string;
  #keys: TokenKeys;

  /**
   * @param config what is accepted, and by what tokens are made
   * @throws ConfigurationError with every fault
   */
  constructor(config: TokenServiceConfig<Scope, Tier>) {
    const { keys, refreshTokens, renew } = config;
    this.#keys = requireSigning(keys);
    // What is verified by follows a rotation.
    const findKey: TokenKeys['findKey'] = (kid, alg) => this.#keys.findKey(kid, alg);
    const accepted = { ...config, keys: { findKey, algorithms: keys.algorithms } };
    this.#settings = parseTokenConfig(accepted);
    requireSameRevocations(config);
    this.#verifier = new TokenVerifier(accepted);
    const { revocations: _revocations, ...without } = accepted;
    this.#formVerifier = new TokenVerifier(without);
    this.#refreshTokens = refreshTokens;
    refreshTokens?.keepRevocationsFor(this.#settings.maxLifetime);
    this.#renew = renew as RotateOptions['renew'];
    this.#newId = createUuidSource(this.#settings.clock);
  }

  /** The keys that tokens are made by and verified by now. */
  get keys(): TokenKeys {
    return this.#keys;
  }

  /**
   * Goes over to other keys, as a rotation does, without a restart. Tokens of a key that is gone are refused from now
   * on, so keep the old key behind the new one for as long as its tokens live.
   *
   * @param keys for the accepted algorithms alone; the first that can sign signs
   * @throws ConfigurationError where they do not fit; the keys stay as they were
   */
  useKeys(keys: TokenKeys): void {
    requireSigning(keys);
    if (!keys.algorithms.every((alg) => this.#settings.algorithms.includes(alg))) {
      throw new ConfigurationError([
        { path: ['keys'], message: 'must be for the accepted algorithms alone' },
      ]);
    }
    this.#keys = keys;
  }

  /**
   * Issues an access token alone.
   *
   * @param input what it grants, for how long, and claims of the application
   * @param options the transaction that it is issued in, where revocations are kept
   * @returns the token
   * @throws ValidationError with every fault: a word that is not declared, a lifetime beyond `maxLifetime`, a claim
   *   that is the library's own or no plain JSON; and the errors of a statement where revocations are kept
   * @example
   * const { token } = await tokens.issue({ subject: user.id, scopes: ['read'], lifetime: 60_000 });
   */
  async issue(input: IssueInput<Scope, Tier>, options: TokenCallOptions = {}): Promise<IssuedToken> {
    return this.#issue(input, await this.#momentOf(input.subject, options));
  }

  /**
   * Verifies a token. As `TokenVerifier.verify`.
   *
   * @param token in the compact form, at most 8 KiB
   * @param demand scopes, all of which its bearer must have, and a tier
   * @returns whose it is, and its claims
   * @throws InvalidTokenError where it is anything but a good token, or was revoked; ExpiredTokenError where its time
   *   is over; ForbiddenError where its bearer has not what is demanded; and the errors of a statement where
   *   revocations cannot be read
   * @example
   * const { actor } = await tokens.verify(token, { scopes: ['write'], tier: 'pro' });
   */
  verify(token: string | Secret, demand: TokenDemand<Scope, Tier> = {}): Promise<VerifiedToken<Scope, Tier>> {
    return this.#verifier.verify(token, demand);
  }

  /**
   * Begins a session: an access token and the refresh token that belongs to it.
   *
   * @param grant what the tokens of the session grant
   * @param options in which transaction the session is stored
   * @returns both tokens
   * @throws ConfigurationError where there are no refresh tokens; ValidationError as `issue`; and the errors of a
   *   statement
   */
  async signIn(grant: TokenGrant<Scope, Tier>, options: TokenCallOptions = {}): Promise<TokenPair> {
    const refreshTokens = this.#requireRefreshTokens();
    const moment = await this.#checkGrant(grant, options);
    return this.#pair(await refreshTokens.begin(plainGrant(grant), options), moment);
  }

  /**
   * Changes a refresh token for a new pair. As `RefreshTokens.rotate`.
   *
   * @param refreshToken as its bearer shows it
   * @param options in which transaction
   * @returns both tokens
   * @throws InvalidTokenError where it is none, its session was ended, or it was used before, which ends its session;
   *   ExpiredTokenError where its time is over; ConfigurationError where there are no refresh tokens; ValidationError
   *   where the session grants what is not declared, which leaves the token as it was; what `renew` throws; and the
   *   errors of a statement
   * @example
   * const { access, refresh } = await tokens.refresh(cookie);
   */
  async refresh(refreshToken: string | Secret, options: TokenCallOptions = {}): Promise<TokenPair> {
    let moment: Moment = { issuedAt: this.#settings.clock.now() };
    // In its transaction: what cannot be issued must not spend the token.
    const renew: RotateOptions['renew'] = async (grant, tx) => {
      const renewed = this.#renew === undefined ? grant : await this.#renew(grant, tx);
      if (renewed !== undefined) moment = await this.#checkGrant(renewed, { on: tx });
      return renewed;
    };
    const rotated = await this.#requireRefreshTokens().rotate(refreshToken, { ...options, renew });
    return this.#pair(rotated, moment);
  }

  /**
   * Revokes one access token until its time is over. In this process it holds when the promise resolves, or when the
   * caller's transaction has committed; in others within the `maxAge` of the revocations.
   *
   * @param token as its bearer shows it, or what was kept of it
   * @param options in which transaction
   * @throws ConfigurationError where there are no revocations; InvalidTokenError where it is no good token, or has no
   *   id; and the errors of a statement. One whose time is over is not revoked, and that is no error.
   */
  async revoke(token: string | Secret | TokenMark, options: TokenCallOptions = {}): Promise<void> {
    const revocations = this.#requireRevocations();
    const mark = typeof token === 'string' || token instanceof Secret ? await this.#markOf(token) : token;
    if (mark === undefined) return;
    const { tokenId: value, expiresAt } = mark;
    const until = this.#settings.clock.now();
    const revocation = {
      kind: 'token',
      value,
      issued_until: until,
      expires_at: expiresAt + longestSkew,
    } as const;
    await revocations.add(revocation, options);
  }

  /**
   * Revokes every token of a subject that was issued until now, on all machines, and ends its sessions.
   *
   * @param subject the id of the user or service
   * @param options in which transaction
   * @throws ConfigurationError where there are no revocations; and the errors of a statement
   * @example
   * await unitOfWork.run(async ({ db, repositories }) => {
   *   await repositories.users.update(user.withPassword(hash));
   *   await tokens.revokeSubject(user.id, { on: db });
   * });
   */
  async revokeSubject(subject: string, options: TokenCallOptions = {}): Promise<void> {
    const revocations = this.#requireRevocations();
    const { clock, clockSkew, maxLifetime } = this.#settings;
    await this.#refreshTokens?.revokeSubject(subject, options);
    // Another machine's clock may be ahead: its tokens of this moment look like later ones.
    const until = clock.now() + clockSkew;
    const expiry = until + maxLifetime + longestSkew;
    await revocations.add(
      { kind: 'subject', value: subject, issued_until: until, expires_at: expiry },
      options,
    );
  }

  async #pair(refresh: IssuedRefreshToken, moment: Moment): Promise<TokenPair> {
    const { grant, sessionId, sessionExpiresAt: notAfter } = refresh;
    return { access: await this.#issue(grant, { ...moment, sessionId, notAfter }), refresh };
  }

  /** @throws ValidationError where no token can be issued of it */
  async #checkGrant(grant: TokenGrant, options: TokenCallOptions): Promise<Moment> {
    encodeClaims(grant, this.#settings, { issuedAt: this.#settings.clock.now(), tokenId: '' });
    return this.#momentOf(grant.subject, options);
  }

  /** Asked before a session is stored: a revocation that comes meanwhile means its token too. */
  async #momentOf(subject: string, options: TokenCallOptions): Promise<Moment> {
    const { revocations, clock } = this.#settings;
    const issuedAt = clock.now();
    // A subject whose tokens were all revoked just now signs in again: this one must count as a later one.
    return { issuedAt, revokedUntil: await revocations?.issuedUntil(subject, options) };
  }

  async #issue(input: IssueInput, moment: Omit<TokenStamp, 'tokenId'>): Promise<IssuedToken> {
    const tokenId = this.#newId();
    const { claims, expiresAt } = encodeClaims(input, this.#settings, { ...moment, tokenId });
    return { token: await this.#sign(claims), tokenId, expiresAt };
  }

  async #sign(claims: Uint8Array): Promise<Secret> {
    const { kid, alg, signing } = this.#keys.signing ?? {};
    if (kid === undefined || alg === undefined || signing === undefined) throw cannotSign();
    const { CompactSign } = await import('jose');
    const header = { alg, typ: this.#settings.typ, kid };
    const token = await new CompactSign(claims).setProtectedHeader(header).sign(signing);
    if (token.length > longestToken) {
      const message = `make the token longer than ${longestToken} characters, which nobody accepts`;
      throw new ValidationError([{ path: ['claims'], message }]);
    }
    return new Secret(token);
  }

  /** @returns undefined where its time is over */
  async #markOf(token: string | Secret): Promise<TokenMark | undefined> {
    try {
      const { actor, expiresAt } = await this.#formVerifier.verify(token);
      if (actor.tokenId !== undefined) return { tokenId: actor.tokenId, expiresAt };
    } catch (error) {
      if (error instanceof ExpiredTokenError) return undefined;
      throw error;
    }
    throw new InvalidTokenError(
      'The token has no id, so that it cannot be revoked alone. Revoke its subject.',
    );
  }

  #requireRefreshTokens(): RefreshTokens {
    if (this.#refreshTokens !== undefined) return this.#refreshTokens;
    throw new ConfigurationError([{ path: ['refreshTokens'], message: 'is needed for sessions' }]);
  }

  #requireRevocations(): Revocations {
    const { revocations } = this.#settings;
    if (revocations !== undefined) return revocations;
    throw new ConfigurationError([{ path: ['revocations'], message: 'is needed to revoke tokens' }]);
  }
}

/** Else the access tokens of a session would outlive it here. */
function requireSameRevocations({
  revocations,
  refreshTokens,
}: Pick<TokenServiceConfig, 'revocations' | 'refreshTokens'>): void {
  if (revocations === undefined || refreshTokens === undefined) return;
  if (refreshTokens.revocations === revocations) return;
  const message = 'must be RefreshTokens with the same revocations, by which the end of a session is heard';
  throw new ConfigurationError([{ path: ['refreshTokens'], message }]);
}

function requireSigning(keys: TokenKeys): TokenKeys {
  if (keys?.signing === undefined) throw cannotSign();
  return keys;
}

function cannotSign(): ConfigurationError {
  const message = 'must be TokenKeys with a key that can sign; to verify alone, make a TokenVerifier';
  return new ConfigurationError([{ path: ['keys'], message }]);
}
