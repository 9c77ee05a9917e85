import { systemClock, type Clock } from '../../foundation/clock.ts';
import { deleteExpired, deleteExpiredSessions } from './delete-expired.ts';
import type { TokenProvider } from './token-provider.ts';

/** What a pruning has deleted. */
export interface PruneTokensReport {
  /** Sessions whose time was over, each with all its refresh tokens. */
  readonly sessions: number;
  /** Refresh tokens of other sessions that were not used in their time. */
  readonly refreshTokens: number;
  /** Revocations that meant no token any more. */
  readonly revocations: number;
}

/**
 * Deletes the sessions, refresh tokens and revocations whose time is over, as `prune` of `RefreshTokens` and
 * `Revocations` do, for a job that has only the database. No statement deletes more than some 1,000 rows, so that others
 * go on meanwhile; what is deleted stays deleted where it is ended half way. Rows stay 2 minutes behind their time, since
 * clocks differ.
 *
 * @param provider the database, with the tables of `tokenMigrations`
 * @param options where time comes from; the machine's clock by default
 * @returns how many of each were deleted
 * @throws the errors of a statement
 * @example
 * const { sessions } = await pruneTokens(provider);
 */
export async function pruneTokens(
  provider: TokenProvider,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<PruneTokensReport> {
  const now = clock.now();
  return {
    sessions: await deleteExpiredSessions(provider, now),
    refreshTokens: await deleteExpired(provider, 'refresh_tokens', 'hash', now),
    revocations: await deleteExpired(provider, 'token_revocations', 'seq', now),
  };
}
