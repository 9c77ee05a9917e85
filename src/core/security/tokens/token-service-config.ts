import type { TokenGrant } from './grant.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { TokenConfig } from './token-config.ts';
import type { TokenKeys } from './token-keys.ts';

/** What a service that issues tokens needs beyond what is accepted as one. */
export interface TokenServiceConfig<
  Scope extends string = never,
  Tier extends string = never,
> extends TokenConfig<Scope, Tier> {
  /** The first key that can sign signs. */
  readonly keys: TokenKeys;
  /** Where refresh tokens are, of the same `revocations`; without it there are none. */
  readonly refreshTokens?: RefreshTokens;
  /**
   * Is asked at each refresh what the session grants from now on, with what it was begun with and the handle of the
   * transaction. Undefined ends the session; what it throws leaves the refresh token as it was. By default a session
   * grants what it was begun with.
   */
  readonly renew?: (
    grant: TokenGrant<Scope, Tier>,
    tx: object,
  ) => TokenGrant<Scope, Tier> | undefined | Promise<TokenGrant<Scope, Tier> | undefined>;
}
