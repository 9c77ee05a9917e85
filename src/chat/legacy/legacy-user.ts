import { createUser, type User } from '../account/user.ts';
import { UserId } from '../ids.ts';
import { readLegacyApiKeys, type LegacyApiKey, type LegacyKeyInput } from './legacy-api-keys.ts';
import { findEmail } from './legacy-email.ts';
import { readLegacyIdentities, type LegacyIdentity } from './legacy-identities.ts';
import { leftOutNote, rawOf, withoutRecord, type LegacyNote } from './legacy-note.ts';
import { readLegacyPreferences, type LegacyPreference } from './legacy-preferences.ts';
import type { LegacyUserRow } from './legacy-rows.ts';
import { readLegacyText, readShortText } from './legacy-text.ts';
import { readRecordId, readTimes } from './legacy-thread.ts';

/** A user who was read, with all that could be saved of what is theirs. */
export interface LegacyUser {
  /** Which database it comes from, from 1, and its place there. */
  readonly source: number;
  readonly rowid: string;
  /** Undefined where there is no address: the notes say so, and nothing below comes in. */
  readonly user: User | undefined;
  readonly identities: readonly LegacyIdentity[];
  readonly apiKeys: readonly LegacyApiKey[];
  readonly preferences: readonly LegacyPreference[];
  /** The id as it stood there, where it can be said. */
  readonly statedId: string | undefined;
  /** The same, where it was no UUID. */
  readonly legacyId: string | undefined;
  /** All that was not as it should be. */
  readonly notes: readonly LegacyNote[];
  /** What a note keeps of the user where nothing of them comes in; nothing that may be secret. */
  readonly rawOfAll: string;
}

const maxName = 200;

/**
 * Reads a row of `users`.
 *
 * @param row as it lies there
 * @param source which database it comes from, from 1
 * @param keys what opens API keys
 */
export function readLegacyUser(row: LegacyUserRow, source: number, keys: LegacyKeyInput): LegacyUser {
  const notes: LegacyNote[] = [];
  const text = (name: 'email' | 'display_name' | 'preferences'): string | undefined =>
    readLegacyText(row[name], name, notes);
  const { id, statedId, legacyId } = readRecordId(row.id, ['users', source, row.rowid], notes);
  const userId = UserId.parse(id);
  const { createdAt, updatedAt } = readTimes(row, notes);
  const email = text('email');
  const name = text('display_name');
  const displayName = readShortText(name, { max: maxName }, 'display_name', notes);
  const owner = { userId, createdAt, updatedAt };
  const rawOfAll = rawOf({
    id: statedId ?? null,
    email: email ?? null,
    display_name: name ?? null,
    created_at: row.created_at,
    updated_at: row.updated_at,
  });
  const read = {
    source,
    rowid: row.rowid,
    identities: readLegacyIdentities(readSecretText(row.auth_providers), owner, notes),
    apiKeys: readLegacyApiKeys(readSecretText(row.api_keys), owner, keys, notes),
    preferences: readLegacyPreferences(text('preferences'), owner, notes),
    statedId,
    legacyId,
    notes,
    rawOfAll,
  };
  const address = findEmail(email);
  if (address === undefined) {
    return leaveOutUser({ ...read, user: undefined }, leftOutNote('email', 'email-is-unreadable', rawOfAll));
  }
  const made = createUser({ email: address, displayName }, { now: createdAt, id: userId });
  return { ...read, user: Object.freeze({ ...made, updatedAt }) };
}

/**
 * Leaves a user out, with all that is theirs.
 *
 * @param read the user
 * @param note why
 */
export function leaveOutUser(read: LegacyUser, note: LegacyNote): LegacyUser {
  const parts = [
    ...read.identities.map(({ place }) => leftOutNote(place, 'owner-is-left-out', null)),
    ...read.apiKeys.map(({ place }) => leftOutNote(place, 'owner-is-left-out', null)),
    ...read.preferences.map(({ place, preference: { name, value } }) =>
      leftOutNote(place, 'owner-is-left-out', rawOf({ [name]: value })),
    ),
  ];
  return {
    ...read,
    user: undefined,
    identities: [],
    apiKeys: [],
    preferences: [],
    notes: [...read.notes.map(withoutRecord), note, ...parts],
  };
}

/** What may be secret is in no note, so that whatever is wrong with its bytes shows in its JSON. */
function readSecretText(bytes: Uint8Array | null): string | undefined {
  return bytes === null ? undefined : Buffer.from(bytes).toString('utf8');
}
