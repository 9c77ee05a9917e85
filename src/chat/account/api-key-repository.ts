import { sql } from 'kysely';
import {
  NotFoundError,
  Repository,
  ValidationError,
  type RepositoryCallOptions,
  type RepositoryProvider,
  type Secret,
} from '../../core/index.ts';
import { encryptMapper, RowCipher, sealedColumnsOf } from '../../core/security/index.ts';
import { recordAction } from '../action-recorder.ts';
import { auditedEntities } from '../audited-entities.ts';
import type { ApiKeysTable, ChatDatabase } from '../chat-database.ts';
import { UserId } from '../ids.ts';
import { apiKeyFromRow, apiKeyToRow } from './api-key-mapper.ts';
import { createApiKey, isRevoked, type ApiKey } from './api-key.ts';
import { apiKeyEncryption } from './chat-encryption.ts';
import { ChatSecrets, parseSecret, type SecretOptions } from './chat-secrets.ts';
import { ProviderName } from './provider-name.ts';

/** What is stored beside a key. */
export interface StoreApiKeyOptions extends RepositoryCallOptions<ChatDatabase> {
  /** What the user calls the key: 1 to 100 characters. */
  readonly label?: string | undefined;
}

/** A record with its key. */
interface KeyedRecord {
  readonly record: ApiKey;
  readonly key: Secret | null;
}

const table = {
  table: 'api_keys',
  key: 'id',
  version: 'version',
  // A key is sealed for its user and its provider.
  insertOnly: ['user_id', 'provider', 'created_at'],
  unique: [['user_id', 'provider']],
  columns: {
    id: 'uuid',
    user_id: 'uuid',
    provider: 'text',
    label: 'text?',
    sealed_key: 'text?',
    created_at: 'integer',
    last_used_at: 'integer?',
    revoked_at: 'integer?',
    version: 'integer',
  },
} as const;

/**
 * Finds and changes users' keys to model providers. The keys lie encrypted, one a user and provider, and `reveal`
 * alone gives one out: entities hold what is known of a key, and never the key.
 */
export class ApiKeyRepository extends Repository<ChatDatabase, 'api_keys', ApiKey> {
  readonly #provider: RepositoryProvider<ChatDatabase>;
  readonly #secrets: ChatSecrets;

  /**
   * @param provider of a database that holds the chat's tables
   * @param options the keys by which secrets are sealed; without them `store` and `reveal` are refused
   */
  constructor(provider: RepositoryProvider<ChatDatabase>, options: SecretOptions = {}) {
    super(provider, {
      ...table,
      mapper: {
        fromRow: apiKeyFromRow,
        toRow: apiKeyToRow,
        sealed: sealedColumnsOf<ApiKeysTable>(apiKeyEncryption),
      },
    });
    this.#provider = provider;
    this.#secrets = new ChatSecrets(options);
  }

  /**
   * Stores a user's key to a provider, encrypted. It takes the place of the one that is there, with its label, and
   * whether that was used or revoked.
   *
   * @param userId whose key it is
   * @param provider the model provider, such as `openai`
   * @param key the key itself, of at most 16 KiB
   * @param options `label`; `on` is the transaction that it takes part in
   * @returns what is known of the key, without it
   * @throws ConfigurationError where the store was opened without `encryption`
   * @throws ValidationError with the faults of all fields; it never repeats the key
   * @throws ForeignKeyViolationError where there is no such user
   * @example
   * await store.apiKeys.store(user.id, 'openai', new Secret('sk-…'), { label: 'work' });
   */
  async store(
    userId: UserId,
    provider: string,
    key: Secret | string,
    options: StoreApiKeyOptions = {},
  ): Promise<ApiKey> {
    const { label, ...callOptions } = options;
    const vault = this.#vault('store an API key');
    const record = createApiKey({ userId, provider, label }, { now: this.#secrets.clock.now() });
    const keyed = { record, key: parseSecret(key, 'key') };
    const stored = await vault.upsert(keyed, { ...callOptions, conflict: ['user_id', 'provider'] });
    return stored.record;
  }

  /**
   * Gives out a user's key to a provider.
   *
   * @param userId whose key it is
   * @param provider the model provider, such as `openai`
   * @param options `on` is the transaction or handle that is read through
   * @returns the key; `reveal()` of it is for the one request that needs it
   * @throws NotFoundError where none was stored
   * @throws ValidationError where it was revoked
   * @throws ConfigurationError where the store was opened without `encryption`
   * @throws DecryptionError where it does not open: it was changed, or its key is not on the ring
   * @example
   * const key = await store.apiKeys.reveal(user.id, 'openai');
   * await askModel({ authorization: `Bearer ${key.reveal()}` });
   */
  async reveal(
    userId: UserId,
    provider: string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<Secret> {
    const vault = this.#vault('reveal an API key');
    const place = placeOf(userId, provider);
    const { key } = await recordAction(
      this.#secrets.recorder,
      options,
      async (inner) => requireUsable(await vault.findFirst(place, inner)),
      ({ record }) => ({ action: 'reveal', entity: { type: auditedEntities.apiKeys, id: record.id } }),
    );
    return key;
  }

  /**
   * What is known of a user's keys; never the keys.
   *
   * @param userId whose
   * @param options `on` is the transaction or handle that is read through
   * @returns the records, by provider
   */
  list(userId: UserId, options: RepositoryCallOptions<ChatDatabase> = {}): Promise<ApiKey[]> {
    return this.findMany({ user_id: UserId.parse(userId) }, { ...options, orderBy: 'provider' });
  }

  /**
   * Notes that a request was made with a key. The time moves on and the version stays, so that requests at once are
   * not in each other's way. A key that is gone or revoked meanwhile is no fault.
   *
   * @param userId whose key it is
   * @param provider the model provider
   * @param options `on` is the transaction that it takes part in
   */
  async touch(
    userId: UserId,
    provider: string,
    options: RepositoryCallOptions<ChatDatabase> = {},
  ): Promise<void> {
    const place = placeOf(userId, provider);
    const now = this.#secrets.clock.now();
    await this.database(options)
      .updateTable('api_keys')
      .set({ last_used_at: now })
      .where('user_id', '=', place.user_id)
      .where('provider', '=', place.provider)
      .where('revoked_at', 'is', null)
      .where(sql<boolean>`coalesce(last_used_at, 0) < ${now}`)
      .execute();
  }

  #vault(work: string): Repository<ChatDatabase, 'api_keys', KeyedRecord> {
    const cipher = new RowCipher(apiKeyEncryption, this.#secrets.ring(work));
    return new Repository<ChatDatabase, 'api_keys', KeyedRecord>(this.#provider, {
      ...table,
      mapper: encryptMapper<ApiKeysTable, (typeof apiKeyEncryption)['columns'], KeyedRecord>(
        {
          fromRow: ({ sealed_key, ...row }) => ({ record: apiKeyFromRow(row), key: sealed_key }),
          toRow: ({ record, key }) => ({ ...apiKeyToRow(record), sealed_key: key }),
        },
        cipher,
      ),
    });
  }
}

function requireUsable(found: KeyedRecord | undefined): KeyedRecord & { readonly key: Secret } {
  if (found?.key === undefined || found.key === null) throw new NotFoundError('api_keys');
  if (isRevoked(found.record))
    throw new ValidationError('A revoked API key cannot be used; store a new one.');
  return { record: found.record, key: found.key };
}

function placeOf(
  userId: UserId,
  provider: string,
): { readonly user_id: UserId; readonly provider: ProviderName } {
  return { user_id: UserId.parse(userId), provider: ProviderName.parse(provider) };
}
