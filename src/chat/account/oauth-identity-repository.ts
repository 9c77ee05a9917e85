import { sql } from 'kysely';
import {
  NotFoundError,
  Repository,
  type RepositoryCallOptions,
  type RepositoryProvider,
  type Secret,
} from '../../core/index.ts';
import { RowCipher, sealedColumnsOf } from '../../core/security/index.ts';
import { recordAction } from '../action-recorder.ts';
import { auditedEntities } from '../audited-entities.ts';
import type { ChatDatabase, OauthIdentitiesTable } from '../chat-database.ts';
import { OauthIdentityId } from '../ids.ts';
import { oauthIdentityEncryption } from './chat-encryption.ts';
import { ChatSecrets, parseSecret, type SecretOptions } from './chat-secrets.ts';
import { oauthIdentityFromRow, oauthIdentityToRow } from './oauth-identity-mapper.ts';
import { ProviderUserId, type OauthIdentity } from './oauth-identity.ts';
import { ProviderName } from './provider-name.ts';

/** Finds and changes the links between users and their accounts at OAuth providers. */
export class OauthIdentityRepository extends Repository<ChatDatabase, 'oauth_identities', OauthIdentity> {
  readonly #secrets: ChatSecrets;

  /**
   * @param provider of a database that holds the chat's tables
   * @param options the keys by which refresh tokens are sealed; without them these can be neither stored nor revealed
   */
  constructor(provider: RepositoryProvider<ChatDatabase>, options: SecretOptions = {}) {
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
        sealed_refresh_token: 'text?',
        created_at: 'integer',
        last_used_at: 'integer?',
        version: 'integer',
      },
      mapper: {
        fromRow: oauthIdentityFromRow,
        toRow: oauthIdentityToRow,
        sealed: sealedColumnsOf<OauthIdentitiesTable>(oauthIdentityEncryption),
      },
    });
    this.#secrets = new ChatSecrets(options);
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

  /**
   * Stores the refresh token of an identity, encrypted, in the place of the one that is there. The version stays, as
   * with `markUsed`.
   *
   * @param id the identity
   * @param token the token itself, of at most 16 KiB
   * @param options `on` is the transaction that it takes part in
   * @throws NotFoundError where there is no such identity
   * @throws ConfigurationError where the store was opened without `encryption`
   * @throws ValidationError where the token is blank or too long; it never repeats it
   * @example
   * await store.oauthIdentities.storeRefreshToken(identity.id, new Secret(answer.refresh_token));
   */
  async storeRefreshToken(
    id: OauthIdentityId,
    token: Secret | string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<void> {
    const cipher = this.#cipher('store a refresh token');
    const key = OauthIdentityId.parse(id);
    const row = cipher.seal({ id: key, sealed_refresh_token: parseSecret(token, 'token') });
    await this.#recorded('store-refresh-token', key, options, (inner) =>
      this.#setRefreshToken(key, row['sealed_refresh_token'], inner),
    );
  }

  /**
   * Gives out the refresh token of an identity.
   *
   * @param id the identity
   * @param options `on` is the transaction or handle that is read through
   * @returns the token
   * @throws NotFoundError where there is no such identity, or none was stored
   * @throws ConfigurationError where the store was opened without `encryption`
   * @throws DecryptionError where it does not open: it was changed, or its key is not on the ring
   */
  async revealRefreshToken(
    id: OauthIdentityId,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<Secret> {
    const cipher = this.#cipher('reveal a refresh token');
    const key = OauthIdentityId.parse(id);
    return this.#recorded('reveal', key, options, async (inner) => {
      const row = await this.database(inner)
        .selectFrom('oauth_identities')
        .select(['id', 'sealed_refresh_token'])
        .where('id', '=', key)
        .executeTakeFirst();
      const token = row === undefined ? null : cipher.open(row)['sealed_refresh_token'];
      if (token === null) throw new NotFoundError('oauth_identities');
      return token as Secret;
    });
  }

  /**
   * Forgets the refresh token of an identity. It needs no key.
   *
   * @param id the identity
   * @param options `on` is the transaction that it takes part in
   * @throws NotFoundError where there is no such identity
   */
  async forgetRefreshToken(
    id: OauthIdentityId,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<void> {
    const key = OauthIdentityId.parse(id);
    await this.#recorded('forget-refresh-token', key, options, (inner) =>
      this.#setRefreshToken(key, null, inner),
    );
  }

  #recorded<Result>(
    action: string,
    id: OauthIdentityId,
    options: RepositoryCallOptions<ChatDatabase>,
    work: (options: RepositoryCallOptions<ChatDatabase>) => Promise<Result>,
  ): Promise<Result> {
    return recordAction(this.#secrets.recorder, options, work, () => ({
      action,
      entity: { type: auditedEntities.oauthIdentities, id },
    }));
  }

  async #setRefreshToken(
    id: OauthIdentityId,
    sealed: unknown,
    options: RepositoryCallOptions<ChatDatabase>,
  ): Promise<void> {
    const { numUpdatedRows } = await this.database(options)
      .updateTable('oauth_identities')
      .set({ sealed_refresh_token: sealed })
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw new NotFoundError('oauth_identities');
  }

  #cipher(work: string): RowCipher<(typeof oauthIdentityEncryption)['columns']> {
    return new RowCipher(oauthIdentityEncryption, this.#secrets.ring(work));
  }
}
