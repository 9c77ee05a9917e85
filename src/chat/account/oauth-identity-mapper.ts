import { readColumn } from '../../core/index.ts';
import type { OauthIdentitiesTable } from '../chat-database.ts';
import { OauthIdentityId, UserId } from '../ids.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { EmailAddress } from './email-address.ts';
import { ProviderUserId, type OauthIdentity } from './oauth-identity.ts';
import { ProviderName } from './provider-name.ts';
import { optional } from '../optional.ts';

/** A row without its refresh token, which is sealed and opened elsewhere. */
type IdentityRow = Omit<OauthIdentitiesTable, 'sealed_refresh_token'>;

/**
 * Makes an identity of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function oauthIdentityFromRow(row: IdentityRow): OauthIdentity {
  return Object.freeze({
    id: readColumn(row, 'id', OauthIdentityId.parse),
    userId: readColumn(row, 'user_id', UserId.parse),
    provider: readColumn(row, 'provider', ProviderName.parse),
    providerUserId: readColumn(row, 'provider_user_id', ProviderUserId.parse),
    email: readColumn(row, 'email', (value) => optional(value, EmailAddress.parse)),
    createdAt: readColumn(row, 'created_at', EpochMillis.parse),
    lastUsedAt: readColumn(row, 'last_used_at', (value) => optional(value, EpochMillis.parse)),
    version: readColumn(row, 'version', Counter.parse),
  });
}

/** Makes the row that stores an identity, with every column but the refresh token. */
export function oauthIdentityToRow(identity: OauthIdentity): IdentityRow {
  return {
    id: identity.id,
    user_id: identity.userId,
    provider: identity.provider,
    provider_user_id: identity.providerUserId,
    email: identity.email ?? null,
    created_at: identity.createdAt,
    last_used_at: identity.lastUsedAt ?? null,
    version: identity.version,
  };
}
