import { readColumn } from '../../core/index.ts';
import type { ApiKeysTable } from '../chat-database.ts';
import { ApiKeyId, UserId } from '../ids.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { ApiKeyLabel, type ApiKey } from './api-key.ts';
import { ProviderName } from './provider-name.ts';
import { optional } from '../optional.ts';

/** A row without the key itself, which is sealed and opened elsewhere. */
type RecordRow = Omit<ApiKeysTable, 'sealed_key'>;

/**
 * Makes the record of a key of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function apiKeyFromRow(row: RecordRow): ApiKey {
  return Object.freeze({
    id: readColumn(row, 'id', ApiKeyId.parse),
    userId: readColumn(row, 'user_id', UserId.parse),
    provider: readColumn(row, 'provider', ProviderName.parse),
    label: readColumn(row, 'label', (value) => optional(value, ApiKeyLabel.parse)),
    createdAt: readColumn(row, 'created_at', EpochMillis.parse),
    lastUsedAt: readColumn(row, 'last_used_at', (value) => optional(value, EpochMillis.parse)),
    revokedAt: readColumn(row, 'revoked_at', (value) => optional(value, EpochMillis.parse)),
    version: readColumn(row, 'version', Counter.parse),
  });
}

/** Makes the row that stores the record of a key, with every column but the key itself. */
export function apiKeyToRow(key: ApiKey): RecordRow {
  return {
    id: key.id,
    user_id: key.userId,
    provider: key.provider,
    label: key.label ?? null,
    created_at: key.createdAt,
    last_used_at: key.lastUsedAt ?? null,
    revoked_at: key.revokedAt ?? null,
    version: key.version,
  };
}
