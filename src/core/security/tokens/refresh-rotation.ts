import { tokenTablesOf } from './token-tables.ts';
import { endFamilies } from './end-families.ts';
import { insertRefreshToken, type IssuedRefreshSecret } from './insert-refresh-token.ts';
import type { RefreshSettings } from './refresh-options.ts';
import type { RefreshSecret } from './refresh-secret.ts';

/** What became of a token that was to be rotated. */
export type Rotation =
  | ({ readonly outcome: 'rotated' } & IssuedRefreshSecret)
  /** It was used before: its session is ended. */
  | { readonly outcome: 'reused'; readonly sessionId: string }
  | { readonly outcome: 'expired' | 'refused' };

/** Changes a refresh token for its successor, in a transaction. Of several at once, one does. */
export async function rotate(
  tx: object,
  secret: RefreshSecret,
  settings: RefreshSettings,
): Promise<Rotation> {
  const tables = tokenTablesOf(tx);
  const now = settings.clock.now();
  const { hash } = secret;
  const { numUpdatedRows: won } = await tables
    .updateTable('refresh_tokens')
    .set({ used_at: now })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  const found = await tables
    .selectFrom('refresh_tokens as token')
    .innerJoin('token_families as family', 'family.id', 'token.family_id')
    .select([
      'token.used_at',
      'token.successor',
      'family.id as sessionId',
      'family.token_grant as grant',
      'family.expires_at as sessionExpiresAt',
      'family.revoked_at',
    ])
    .where('token.hash', '=', hash)
    .executeTakeFirst();
  if (found === undefined || found.revoked_at !== null) return { outcome: 'refused' };
  const { sessionId, grant, sessionExpiresAt } = found;
  if (sessionExpiresAt <= now) return { outcome: 'expired' };
  const session = { sessionId, grant, sessionExpiresAt };
  if (won === 1n) return { outcome: 'rotated', ...(await insertRefreshToken(tx, session, settings, secret)) };
  if (found.used_at === null) return { outcome: 'expired' };
  if (found.successor !== null && now - found.used_at < settings.grace) {
    const successor = secret.unseal(found.successor);
    const waiting = await tables
      .selectFrom('refresh_tokens')
      .select('expires_at')
      .where('hash', '=', successor.hash)
      .where('used_at', 'is', null)
      .executeTakeFirst();
    if (waiting !== undefined) {
      return { outcome: 'rotated', secret: successor, expiresAt: waiting.expires_at, ...session };
    }
  }
  await endFamilies(tx, { sessionId }, 'reuse', settings);
  return { outcome: 'reused', sessionId };
}
