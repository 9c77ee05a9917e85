import type { UserId } from '../ids.ts';

/** The user whose identities, keys and preferences are read. */
export interface LegacyOwner {
  readonly userId: UserId;
  /** In ms since the Unix epoch, as the next. */
  readonly createdAt: number;
  readonly updatedAt: number;
}

/**
 * Names a member of a JSON object in notes: by its name where that is a plain word, else by its number, since whatever
 * was put there by mistake may be a secret.
 *
 * @param column of the object
 * @param name of the member
 * @param index of the member, from 0
 */
export function memberPlace(column: string, name: string, index: number): string {
  return `${column}.${/^[a-z]{1,16}$/.test(name) ? name : `#${index}`}`;
}
