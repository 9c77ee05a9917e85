import { Repository, type RepositoryProvider, type RepositoryCallOptions } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { oauthIdentityFromRow, oauthIdentityToRow } from './oauth-identity-mapper.ts';
import type { OauthIdentity } from './oauth-identity.ts';

/** Finds and changes the links between users and their accounts at OAuth providers. */
export class OauthIdentityRepository extends Repository<ChatDatabase, 'oauth_identities', OauthIdentity> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'oauth_identities',
      key: 'id',
      version: 'version',
      columns: {
        id: 'uuid',
        user_id: 'uuid',
        provider: 'text',
        provider_user_id: 'text',
        email: 'text?',
        created_at: 'integer',
        last_used_at: 'integer?',
        version: 'integer',
      },
      mapper: { fromRow: oauthIdentityFromRow, toRow: oauthIdentityToRow },
    });
  }

  /**
   * Finds an identity by what the provider calls it.
   *
   * @param provider such as `google`
   * @param providerUserId the provider's own id of the account
   * @returns the identity, or undefined where it was never linked
   */
  findByProvider(
    provider: string,
    providerUserId: string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<OauthIdentity | undefined> {
    return this.findFirst({ provider, provider_user_id: providerUserId }, options);
  }
}
