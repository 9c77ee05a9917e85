import { decodeJson, encodeJson, readColumn } from '../../core/index.ts';
import type { UserPreferencesTable } from '../chat-database.ts';
import { UserId } from '../ids.ts';
import { parseJsonValue } from '../json-value.ts';
import { Counter, EpochMillis } from '../whole-numbers.ts';
import { PreferenceName, type Preference } from './preference.ts';

/**
 * Makes a preference of a stored row.
 *
 * @throws ValidationError where a column breaks a rule; its path begins with the column
 */
export function preferenceFromRow(row: UserPreferencesTable): Preference {
  return Object.freeze({
    userId: readColumn(row, 'user_id', UserId.parse),
    name: readColumn(row, 'name', PreferenceName.parse),
    value: readColumn(row, 'value', (text) => parseJsonValue(decodeJson(text))),
    updatedAt: readColumn(row, 'updated_at', EpochMillis.parse),
    version: readColumn(row, 'version', Counter.parse),
  });
}

/** Makes the row that stores a preference, with every column. */
export function preferenceToRow(preference: Preference): UserPreferencesTable {
  return {
    user_id: preference.userId,
    name: preference.name,
    value: encodeJson(preference.value, 'value'),
    updated_at: preference.updatedAt,
    version: preference.version,
  };
}
