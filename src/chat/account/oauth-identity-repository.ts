import { sql } from 'kysely';
import { Repository, type RepositoryProvider, type RepositoryCallOptions } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { OauthIdentityId } from '../ids.ts';
import { oauthIdentityFromRow, oauthIdentityToRow } from './oauth-identity-mapper.ts';
import { ProviderUserId, type OauthIdentity } from './oauth-identity.ts';
import { ProviderName } from './provider-name.ts';

/** Finds and changes the links between users and their accounts at OAuth providers. */
export class OauthIdentityRepository extends Repository<ChatDatabase, 'oauth_identities', OauthIdentity> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'oauth_identities',
      key: 'id',
      version: 'version',
      insertOnly: ['created_at'],
      growing: ['last_used_at'],
      unique: [['provider', 'provider_user_id']],
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
   * @param options `on` is the transaction or handle that is read through
   * @returns the identity, or undefined where it was never linked
   * @throws ValidationError where one of them cannot be what it is to be
   * @throws UnreadableRowError where the stored row breaks the rules of identities
   */
  async findByProvider(
    provider: string,
    providerUserId: string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<OauthIdentity | undefined> {
    const filter = {
      provider: ProviderName.parse(provider),
      provider_user_id: ProviderUserId.parse(providerUserId),
    };
    return this.findFirst(filter, options);
  }

  /**
   * Notes that somebody signed in by an identity. The time moves on and the version stays, so that sign-ins at
   * once are not in each other's way.
   *
   * @param id the identity; one that is gone meanwhile is no fault
   * @param now in ms since the Unix epoch
   * @param options `on` is the transaction that it takes part in
   */
  async markUsed(
    id: OauthIdentityId,
    now: number,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<void> {
    await this.database(options)
      .updateTable('oauth_identities')
      .set({ last_used_at: now })
      .where('id', '=', id)
      .where(sql<boolean>`coalesce(last_used_at, 0) < ${now}`)
      .execute();
  }
}
