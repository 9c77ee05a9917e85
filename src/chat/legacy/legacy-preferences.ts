import { ValidationError } from '../../core/index.ts';
import { createPreference, type Preference } from '../account/preference.ts';
import { readJsonMembers } from './legacy-json.ts';
import { leftOutNote, rawOf, type LegacyNote } from './legacy-note.ts';
import { memberPlace, type LegacyOwner } from './legacy-owner.ts';

/** A preference that was read. */
export interface LegacyPreference {
  readonly place: string;
  readonly preference: Preference;
}

/** Reads the column `preferences`, an object of settings by their names. */
export function readLegacyPreferences(
  text: string | undefined,
  { userId, updatedAt }: LegacyOwner,
  notes: LegacyNote[],
): LegacyPreference[] {
  const column = 'preferences';
  return readJsonMembers(text, { isSecret: false }, column, notes).flatMap(([name, value], index) => {
    const place = memberPlace(column, name, index);
    try {
      return [{ place, preference: createPreference({ userId, name, value }, { now: updatedAt }) }];
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      notes.push(leftOutNote(place, 'preference-is-unreadable', rawOf({ [name]: value })));
      return [];
    }
  });
}
