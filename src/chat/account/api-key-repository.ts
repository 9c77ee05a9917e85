import { Repository, type RepositoryProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { apiKeyFromRow, apiKeyToRow } from './api-key-mapper.ts';
import type { ApiKey } from './api-key.ts';

/**
 * Finds and changes what is known of users' keys to model providers: label, use, revocation. There is no
 * way to store a key itself until it can be stored encrypted.
 */
export class ApiKeyRepository extends Repository<ChatDatabase, 'api_keys', ApiKey> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'api_keys',
      key: 'id',
      version: 'version',
      columns: {
        id: 'uuid',
        user_id: 'uuid',
        provider: 'text',
        label: 'text?',
        created_at: 'integer',
        last_used_at: 'integer?',
        revoked_at: 'integer?',
        version: 'integer',
      },
      mapper: { fromRow: apiKeyFromRow, toRow: apiKeyToRow },
    });
  }
}
