import { checkFields, newId, type Entity, type ValueOf } from '../../core/domain/index.ts';
import { defineText } from '../define-text.ts';
import { UserId } from '../ids.ts';
import { optional } from '../optional.ts';
import { EpochMillis, laterOf } from '../whole-numbers.ts';
import { EmailAddress } from './email-address.ts';

/**
 * What a user is called: 1 to 200 characters, trimmed.
 *
 * @example
 * DisplayName.parse(' Ada '); // 'Ada'
 */
export const DisplayName = defineText({ name: 'DisplayName', max: 200 });
export type DisplayName = ValueOf<typeof DisplayName>;

/** Somebody who has an account. */
export interface User extends Entity<UserId> {
  /** No two users have the same. */
  readonly email: EmailAddress;
  /** When somebody trusted vouched that the address is the user's; undefined while nobody has. */
  readonly emailVerifiedAt: number | undefined;
  /** 1 to 200 characters; undefined while it is not known. */
  readonly displayName: DisplayName | undefined;
  /** In ms since the Unix epoch, as all times. */
  readonly createdAt: number;
  /** When e-mail address or name were changed last. */
  readonly updatedAt: number;
}

/**
 * Makes a new user; stores nothing.
 *
 * @param fields the address, whether somebody trusted vouches for it (by default nobody does), and, where
 *   known, the name
 * @param context `now` in ms since the Unix epoch; `id` where one is chosen already
 * @returns the user, at version 1
 * @throws ValidationError with the faults of all fields
 * @example
 * const user = createUser({ email: 'ada@example.org' }, { now: clock.now() });
 */
export function createUser(
  fields: {
    readonly email: string;
    readonly emailVerified?: boolean | undefined;
    readonly displayName?: string | undefined;
  },
  context: { readonly now: number; readonly id?: UserId },
): User {
  const { now, id = newId<UserId>() } = context;
  return checkFields({
    id: () => UserId.parse(id),
    email: () => EmailAddress.parse(fields.email),
    emailVerifiedAt: () => (fields.emailVerified === true ? EpochMillis.parse(now) : undefined),
    displayName: () => optional(fields.displayName, DisplayName.parse),
    version: () => 1,
    createdAt: () => EpochMillis.parse(now),
    updatedAt: () => EpochMillis.parse(now),
  });
}

/**
 * Gives a user another name, or none.
 *
 * @param user stays as it is
 * @param displayName the new name; undefined takes the name away
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError with the faults of all fields
 * @example
 * await users.update(renameUser(user, 'Ada', { now: clock.now() }));
 */
export function renameUser(
  user: User,
  displayName: string | undefined,
  context: { readonly now: number },
): User {
  const changes = checkFields({
    displayName: () => optional(displayName, DisplayName.parse),
    updatedAt: () => laterOf(user.updatedAt, context.now),
  });
  return Object.freeze({ ...user, ...changes });
}

/**
 * Gives a user another e-mail address, for which nobody vouches yet.
 *
 * @param user stays as it is
 * @param email the new address
 * @param context `now` in ms since the Unix epoch
 * @returns the changed copy; its version is the one that was read
 * @throws ValidationError with the faults of all fields
 * @example
 * await users.update(changeEmail(user, 'ada@example.com', { now: clock.now() }));
 */
export function changeEmail(user: User, email: string, context: { readonly now: number }): User {
  const changes = checkFields({
    email: () => EmailAddress.parse(email),
    emailVerifiedAt: () => undefined,
    updatedAt: () => laterOf(user.updatedAt, context.now),
  });
  return Object.freeze({ ...user, ...changes });
}
