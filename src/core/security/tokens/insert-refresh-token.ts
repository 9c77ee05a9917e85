import type { RefreshSettings } from './refresh-options.ts';
import { RefreshSecret } from './refresh-secret.ts';
import { tokenTablesOf } from './token-tables.ts';

/** A refresh token that its bearer gets. */
export interface IssuedRefreshSecret {
  readonly secret: RefreshSecret;
  readonly sessionId: string;
  readonly expiresAt: number;
  /** When the session ends, whatever is refreshed. */
  readonly sessionExpiresAt: number;
  /** What the tokens of the session grant, as JSON. */
  readonly grant: string;
}

/** Stores a new refresh token of a session. @param before the one that it follows, where there is one */
export async function insertRefreshToken(
  tx: object,
  session: Pick<IssuedRefreshSecret, 'sessionId' | 'sessionExpiresAt' | 'grant'>,
  { lifetime, grace, clock }: RefreshSettings,
  before?: RefreshSecret,
): Promise<IssuedRefreshSecret> {
  const tables = tokenTablesOf(tx);
  const secret = RefreshSecret.random();
  const now = clock.now();
  const expiresAt = Math.min(now + lifetime, session.sessionExpiresAt);
  await tables
    .insertInto('refresh_tokens')
    .values({
      hash: secret.hash,
      family_id: session.sessionId,
      created_at: now,
      expires_at: expiresAt,
    })
    .execute();
  if (before !== undefined && grace > 0) {
    await tables
      .updateTable('refresh_tokens')
      .set({ successor: before.seal(secret) })
      .where('hash', '=', before.hash)
      .execute();
  }
  return { secret, expiresAt, ...session };
}
