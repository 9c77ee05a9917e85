import { readColumn } from '../../core/index.ts';
import type { UsersTable } from '../chat-database.ts';
import { UserId } from '../ids.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { EmailAddress } from './email-address.ts';
import { DisplayName, type User } from './user.ts';
import { optional } from '../optional.ts';

/**
 * Makes a user of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function userFromRow(row: UsersTable): User {
  return Object.freeze({
    id: readColumn(row, 'id', UserId.parse),
    email: readColumn(row, 'email', EmailAddress.parse),
    emailVerifiedAt: readColumn(row, 'email_verified_at', (value) => optional(value, EpochMillis.parse)),
    displayName: readColumn(row, 'display_name', (value) => optional(value, DisplayName.parse)),
    version: readColumn(row, 'version', Counter.parse),
    createdAt: readColumn(row, 'created_at', EpochMillis.parse),
    updatedAt: readColumn(row, 'updated_at', EpochMillis.parse),
  });
}

/** Makes the row that stores a user, with every column. */
export function userToRow(user: User): UsersTable {
  return {
    id: user.id,
    email: user.email,
    email_verified_at: user.emailVerifiedAt ?? null,
    display_name: user.displayName ?? null,
    version: user.version,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  };
}
