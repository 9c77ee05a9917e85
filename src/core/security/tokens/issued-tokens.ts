import type { Secret } from '../../foundation/secret.ts';
import type { IssuedRefreshToken } from './refresh-tokens.ts';

/** An access token for its bearer. */
export interface IssuedToken {
  /** In the compact form. */
  readonly token: Secret;
  /** Its `jti`. */
  readonly tokenId: string;
  /** When its time is over, in ms since the Unix epoch. */
  readonly expiresAt: number;
}

/** What a bearer gets who signs in or refreshes. */
export interface TokenPair {
  /** Shown with each request. */
  readonly access: IssuedToken;
  /** Changed for the next pair. */
  readonly refresh: IssuedRefreshToken;
}

/** Which token is revoked, by what was kept of it. */
export interface TokenMark {
  /** Its `jti`. */
  readonly tokenId: string;
  /** When its time is over, in ms since the Unix epoch. */
  readonly expiresAt: number;
}
