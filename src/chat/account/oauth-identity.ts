import { checkFields, defineValueObject, newId, type Entity, type ValueOf } from '../../core/domain/index.ts';
import { isStorableText } from '../define-text.ts';
import { OauthIdentityId, UserId } from '../ids.ts';
import { optional } from '../optional.ts';
import { EpochMillis, laterOf } from '../whole-numbers.ts';
import { EmailAddress } from './email-address.ts';
import { ProviderName } from './provider-name.ts';

/**
 * How a provider knows its account: 1 to 255 characters; OpenID Connect allows no more. It is the provider's
 * text and stays as it is: two ids that differ in a space are two accounts.
 *
 * @example
 * ProviderUserId.parse('1042');
 */
export const ProviderUserId = defineValueObject({
  name: 'ProviderUserId',
  normalize: (input) => (typeof input === 'string' ? input : undefined),
  rules: [
    [(text) => text.trim() !== '', 'must not be blank'],
    [(text) => text.length <= 255, 'must have at most 255 characters'],
    [isStorableText, 'must be well-formed Unicode without NUL'],
  ],
});
export type ProviderUserId = ValueOf<typeof ProviderUserId>;

/** A user's account at an OAuth provider. It holds no token: `OauthIdentityRepository` stores and reveals one. */
export interface OauthIdentity extends Entity<OauthIdentityId> {
  /** Whose it is. It goes when the user goes. */
  readonly userId: UserId;
  /** Such as `google`. */
  readonly provider: ProviderName;
  /** With the provider it names one account, and so one user. */
  readonly providerUserId: ProviderUserId;
  /** The address that the provider told; the user's own may be another. */
  readonly email: EmailAddress | undefined;
  /** In ms since the Unix epoch, as all times. */
  readonly createdAt: number;
  /** When somebody signed in by it last. */
  readonly lastUsedAt: number | undefined;
}

/**
 * Makes a new identity; stores nothing.
 *
 * @param fields whose it is, and what the provider told
 * @param context `now` in ms since the Unix epoch; `id` where one is chosen already
 * @returns the identity, at version 1 and never used
 * @throws ValidationError with the faults of all fields
 * @example
 * createOauthIdentity(
 *   { userId: user.id, provider: 'google', providerUserId: '1042' },
 *   { now: clock.now() },
 * );
 */
export function createOauthIdentity(
  fields: {
    readonly userId: UserId;
    readonly provider: string;
    readonly providerUserId: string;
    readonly email?: string | undefined;
  },
  context: { readonly now: number; readonly id?: OauthIdentityId },
): OauthIdentity {
  const { now, id = newId<OauthIdentityId>() } = context;
  return checkFields({
    id: () => OauthIdentityId.parse(id),
    userId: () => UserId.parse(fields.userId),
    provider: () => ProviderName.parse(fields.provider),
    providerUserId: () => ProviderUserId.parse(fields.providerUserId),
    email: () => optional(fields.email, EmailAddress.parse),
    version: () => 1,
    createdAt: () => EpochMillis.parse(now),
    lastUsedAt: () => undefined,
  });
}

/**
 * Notes that somebody signed in by an identity.
 *
 * @param identity stays as it is
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError where `now` is no time
 * @example
 * await oauthIdentities.update(markIdentityUsed(identity, { now: clock.now() }));
 */
export function markIdentityUsed(identity: OauthIdentity, context: { readonly now: number }): OauthIdentity {
  const lastUsedAt = laterOf(identity.lastUsedAt ?? identity.createdAt, context.now);
  return Object.freeze({ ...identity, lastUsedAt });
}
