import {
  ExpiredTokenError,
  ForbiddenError,
  InvalidTokenError,
} from '../../foundation/errors/security-errors.ts';
import { Secret } from '../../foundation/secret.ts';
import { readCompactToken } from './compact-token.ts';
import { readStrictJson } from './strict-json.ts';
import { checkClaims, type VerifiedToken } from './token-claims.ts';
import { parseTokenConfig, type TokenConfig, type TokenSettings } from './token-config.ts';
import { meetsDemand, type TokenDemand } from './token-demand.ts';
import type { TokenKey } from './token-key.ts';

/**
 * Verifies tokens: signed JWTs in the compact form. Everything is checked against the configuration and nothing
 * against what the token says of itself. Why a token is refused stands in the log alone. Revocations are asked for
 * where the configuration has them.
 *
 * @example
 * const verifier = new TokenVerifier({
 *   keys: new RemoteKeySet({ url: 'https://login.example/.well-known/jwks.json', algorithms: ['RS256'] }),
 *   algorithms: ['RS256'],
 *   issuer: 'https://login.example',
 *   audience: 'chat',
 *   typ: 'at+jwt',
 *   maxLifetime: 3_600_000,
 *   requiredClaims: ['exp', 'iat', 'sub'],
 * });
 * const { actor } = await verifier.verify(token);
 */
export class TokenVerifier<Scope extends string = never, Tier extends string = never> {
  readonly #settings: TokenSettings;

  /**
   * @param config what is accepted
   * @throws ConfigurationError with every fault
   */
  constructor(config: TokenConfig<Scope, Tier>) {
    this.#settings = parseTokenConfig(config);
  }

  /**
   * Verifies a token. Where revocations are kept, call it outside of transactions: it may look for new ones by a
   * connection of its own.
   *
   * @param token in the compact form, at most 8 KiB
   * @param demand scopes, all of which its bearer must have, and a tier
   * @returns whose it is, and its claims
   * @throws InvalidTokenError where it is anything but a good token, or was revoked
   * @throws ExpiredTokenError where it was good and its time is over
   * @throws ForbiddenError where it is good, and its bearer has not what is demanded
   * @throws KeySetUnavailableError where the keys of another issuer cannot be fetched; and the errors of a statement
   *   where revocations cannot be read. It is not accepted then.
   * @example
   * const { actor } = await tokens.verify(token, { scopes: ['write'] });
   */
  async verify(
    token: string | Secret,
    demand: TokenDemand<Scope, Tier> = {},
  ): Promise<VerifiedToken<Scope, Tier>> {
    const text = token instanceof Secret ? token.reveal() : token;
    const verified = await this.#check(typeof text === 'string' ? text : '');
    const { revocations } = this.#settings;
    if (revocations !== undefined) {
      const { actor, issuedAt, sessionId } = verified;
      await revocations.catchUp();
      if (revocations.isRevoked({ subject: actor.id, issuedAt, tokenId: actor.tokenId, sessionId })) {
        throw this.#refuse('it was revoked');
      }
    }
    if (!meetsDemand(verified.actor, demand, this.#settings)) {
      throw new ForbiddenError(
        'The token is good, and its bearer lacks a scope or the tier that was asked for. Nothing was done.',
      );
    }
    return verified as VerifiedToken<Scope, Tier>;
  }

  async #check(text: string): Promise<VerifiedToken> {
    const { algorithms, typ, keys, clock } = this.#settings;
    const compact = readCompactToken(text);
    if (typeof compact === 'string') throw this.#refuse(compact);
    const alg = algorithms.find((name) => name === compact.alg);
    if (alg === undefined) throw this.#refuse('its algorithm is not accepted');
    if (compact.typ !== typ) throw this.#refuse('it is of another type');
    const key = await keys.findKey(compact.kid, alg);
    if (key === undefined) throw this.#refuse('no key of its id is for its algorithm');
    if (!(await hasGoodSignature(text, key))) throw this.#refuse('its signature is not good');
    const claims = readStrictJson(compact.payload);
    if (claims === undefined) throw this.#refuse('its claims are no strict JSON object');
    const checked = checkClaims(claims, this.#settings, clock.now());
    if ('reason' in checked) throw this.#refuse(checked.reason, checked.isExpired);
    return checked;
  }

  #refuse(reason: string, isExpired = false): InvalidTokenError {
    this.#settings.logger.info({ reason }, 'a token was refused');
    return isExpired
      ? new ExpiredTokenError('The time of the token is over. Refresh it, or sign in again.')
      : new InvalidTokenError('The token is not accepted. Sign in again.');
  }
}

async function hasGoodSignature(text: string, key: TokenKey): Promise<boolean> {
  const { compactVerify } = await import('jose');
  try {
    await compactVerify(text, key.verifying, { algorithms: [key.alg] });
    return true;
  } catch {
    return false;
  }
}
