import { checkFields, newId, ValidationError, type Entity, type ValueOf } from '../../core/domain/index.ts';
import { defineText } from '../define-text.ts';
import { ApiKeyId, UserId } from '../ids.ts';
import { optional } from '../optional.ts';
import { EpochMillis, laterOf } from '../whole-numbers.ts';
import { ProviderName } from './provider-name.ts';

/**
 * What a user calls a key: 1 to 100 characters, trimmed.
 *
 * @example
 * ApiKeyLabel.parse('work');
 */
export const ApiKeyLabel = defineText({ name: 'ApiKeyLabel', max: 100 });
export type ApiKeyLabel = ValueOf<typeof ApiKeyLabel>;

/**
 * What is known of a user's key to a model provider, of which there is one a user and provider. The key
 * itself is not here: it lies encrypted, and `ApiKeyRepository.reveal` alone gives it out.
 */
export interface ApiKey extends Entity<ApiKeyId> {
  /** Whose key it is. The record goes when the user goes. */
  readonly userId: UserId;
  /** The model provider, such as `openai`. */
  readonly provider: ProviderName;
  /** What the user calls the key: 1 to 100 characters. */
  readonly label: ApiKeyLabel | undefined;
  /** In ms since the Unix epoch, as all times. */
  readonly createdAt: number;
  /** When a request was made with it last. */
  readonly lastUsedAt: number | undefined;
  /** Since when it must not be used. */
  readonly revokedAt: number | undefined;
}

/**
 * Makes a new key's record; stores nothing.
 *
 * @param fields whose key it is, for which provider, and its label
 * @param context `now` in ms since the Unix epoch; `id` where one is chosen already
 * @returns the record, at version 1, neither used nor revoked
 * @throws ValidationError with the faults of all fields
 * @example
 * const key = createApiKey({ userId: user.id, provider: 'openai' }, { now: clock.now() });
 */
export function createApiKey(
  fields: { readonly userId: UserId; readonly provider: string; readonly label?: string | undefined },
  context: { readonly now: number; readonly id?: ApiKeyId },
): ApiKey {
  const { now, id = newId<ApiKeyId>() } = context;
  return checkFields({
    id: () => ApiKeyId.parse(id),
    userId: () => UserId.parse(fields.userId),
    provider: () => ProviderName.parse(fields.provider),
    label: () => optional(fields.label, ApiKeyLabel.parse),
    version: () => 1,
    createdAt: () => EpochMillis.parse(now),
    lastUsedAt: () => undefined,
    revokedAt: () => undefined,
  });
}

/**
 * Tells whether a key must not be used any more.
 *
 * @param key the record of the key
 * @returns whether it was revoked; when, is its `revokedAt`
 * @example
 * if (isRevoked(key)) return askForAnother();
 */
export function isRevoked(key: ApiKey): boolean {
  return key.revokedAt !== undefined;
}

/**
 * Notes that a request was made with a key.
 *
 * @param key stays as it is
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError where the key is revoked or `now` is no time
 * @example
 * await apiKeys.update(markApiKeyUsed(key, { now: clock.now() }));
 */
export function markApiKeyUsed(key: ApiKey, context: { readonly now: number }): ApiKey {
  if (isRevoked(key)) throw new ValidationError('A revoked API key cannot be used; store a new one.');
  const lastUsedAt = laterOf(key.lastUsedAt ?? key.createdAt, context.now);
  return Object.freeze({ ...key, lastUsedAt });
}

/**
 * Revokes a key for good.
 *
 * @param key stays as it is
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy, or the key itself where it is revoked already
 * @throws ValidationError where `now` is no time
 * @example
 * await apiKeys.update(revokeApiKey(key, { now: clock.now() }));
 */
export function revokeApiKey(key: ApiKey, context: { readonly now: number }): ApiKey {
  const now = laterOf(key.createdAt, context.now);
  return isRevoked(key) ? key : Object.freeze({ ...key, revokedAt: now });
}
