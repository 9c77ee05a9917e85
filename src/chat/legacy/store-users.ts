import type { Kysely } from 'kysely';
import { RowCipher, type KeyRing, type TableEncryption } from '../../core/security/index.ts';
import { ConfigurationError } from '../../core/index.ts';
import { apiKeyToRow } from '../account/api-key-mapper.ts';
import { apiKeyEncryption, oauthIdentityEncryption } from '../account/chat-encryption.ts';
import { oauthIdentityToRow } from '../account/oauth-identity-mapper.ts';
import type { PreferenceRepository } from '../account/preference-repository.ts';
import type { UserRepository } from '../account/user-repository.ts';
import type { User } from '../account/user.ts';
import type { ApiKeysTable, OauthIdentitiesTable } from '../chat-database.ts';
import type { LegacyApiKey } from './legacy-api-keys.ts';
import type { LegacyIdentity } from './legacy-identities.ts';
import { leftOutNote, withoutRecord, type LegacyNote } from './legacy-note.ts';
import type { LegacyHandle } from './legacy-tables.ts';
import { leaveOutUser, type LegacyUser } from './legacy-user.ts';
import { storeGivenIds, storeNotes, type GivenId, type NotedRecord } from './store-notes.ts';
import { findIds } from './store-threads.ts';

/** What stores users. */
export interface UserStores {
  readonly users: UserRepository;
  readonly preferences: PreferenceRepository;
  /** The keys that seal secrets; undefined where there is none to seal. */
  readonly encryption: KeyRing | undefined;
}

/** Whose names are taken, in the table and by those before. */
interface TakenNames {
  readonly ids: Set<string>;
  readonly emails: Set<string>;
  readonly identities: Set<string>;
}

/**
 * Stores users with all that is theirs and all that is to be said of them. A user whose id or address is taken is left
 * out, and so is an identity that is somebody else's.
 *
 * @returns how many users came in
 */
export async function storeUsers(
  tx: LegacyHandle,
  read: readonly LegacyUser[],
  { users, preferences, encryption }: UserStores,
): Promise<number> {
  const taken = await findTaken(tx, read);
  const given: GivenId[] = [];
  const records: NotedRecord[] = [];
  const stored: (LegacyUser & { readonly user: User })[] = [];
  const identities: LegacyIdentity[] = [];
  for (const one of read) {
    const settled = settle(one, taken);
    const { user, legacyId, statedId, source, rowid } = settled;
    const notes: LegacyNote[] = [...settled.notes];
    records.push({ source, table: 'users', rowid, legacyId: statedId, notes });
    if (user === undefined) continue;
    stored.push({ ...settled, user });
    if (legacyId !== undefined) given.push({ table: 'users', id: user.id, legacyId });
    identities.push(...settled.identities.filter((identity) => isFree(identity, taken, notes)));
  }
  await users.insertMany(
    stored.map(({ user }) => user),
    { on: tx },
  );
  await preferences.insertMany(
    stored.flatMap((one) => one.preferences.map(({ preference }) => preference)),
    { on: tx },
  );
  await insertRows(tx, 'oauth_identities', sealIdentities(identities, encryption));
  await insertRows(
    tx,
    'api_keys',
    sealKeys(
      stored.flatMap(({ apiKeys }) => apiKeys),
      encryption,
    ),
  );
  await storeNotes(tx, records);
  await storeGivenIds(tx, given);
  return stored.length;
}

function settle(read: LegacyUser, taken: TakenNames): LegacyUser {
  const { user, rawOfAll } = read;
  if (user === undefined) return read;
  if (taken.ids.has(user.id)) return leaveOutUser(read, leftOutNote('id', 'duplicate-id', rawOfAll));
  if (taken.emails.has(user.email))
    return leaveOutUser(read, leftOutNote('email', 'duplicate-email', rawOfAll));
  taken.ids.add(user.id);
  taken.emails.add(user.email);
  return read;
}

function isFree({ place, identity }: LegacyIdentity, taken: TakenNames, notes: LegacyNote[]): boolean {
  const name = nameOf(identity.provider, identity.providerUserId);
  if (!taken.identities.has(name)) {
    taken.identities.add(name);
    return true;
  }
  for (const [index, note] of notes.entries()) {
    if (note.place === place || note.place.startsWith(`${place}.`)) notes[index] = withoutRecord(note);
  }
  notes.push(leftOutNote(place, 'duplicate-identity', null));
  return false;
}

async function findTaken(tx: LegacyHandle, read: readonly LegacyUser[]): Promise<TakenNames> {
  const users = read.flatMap(({ user }) => user ?? []);
  const providerUserIds = read.flatMap((one) =>
    one.identities.map(({ identity }) => identity.providerUserId),
  );
  const ids = await findIds(
    tx,
    'users',
    users.map(({ id }) => id),
  );
  const emails = await findEmails(
    tx,
    users.map(({ email }) => email),
  );
  const identities = await findIdentities(tx, providerUserIds);
  return {
    ids,
    emails: new Set(emails),
    identities: new Set(identities),
  };
}

async function findEmails(tx: LegacyHandle, emails: readonly string[]): Promise<string[]> {
  if (emails.length === 0) return [];
  const rows = await tx.selectFrom('users').select('email').where('email', 'in', emails).execute();
  return rows.map(({ email }) => email);
}

async function findIdentities(tx: LegacyHandle, providerUserIds: readonly string[]): Promise<string[]> {
  if (providerUserIds.length === 0) return [];
  const rows = await tx
    .selectFrom('oauth_identities')
    .select(['provider', 'provider_user_id'])
    .where('provider_user_id', 'in', providerUserIds)
    .execute();
  return rows.map((row) => nameOf(row.provider, row.provider_user_id));
}

/** No provider's name has a space. */
function nameOf(provider: string, providerUserId: string): string {
  return `${provider} ${providerUserId}`;
}

function sealIdentities(
  identities: readonly LegacyIdentity[],
  encryption: KeyRing | undefined,
): OauthIdentitiesTable[] {
  const seal = sealerOf(oauthIdentityEncryption, encryption);
  return identities.map(({ identity, refreshToken }) => {
    const row = oauthIdentityToRow(identity);
    if (refreshToken === null) return { ...row, sealed_refresh_token: null };
    return seal({ ...row, sealed_refresh_token: refreshToken }) as unknown as OauthIdentitiesTable;
  });
}

function sealKeys(keys: readonly LegacyApiKey[], encryption: KeyRing | undefined): ApiKeysTable[] {
  const seal = sealerOf(apiKeyEncryption, encryption);
  return keys.map(
    ({ record, key }) => seal({ ...apiKeyToRow(record), sealed_key: key }) as unknown as ApiKeysTable,
  );
}

/** The keys are looked for where the first secret is. */
function sealerOf(
  encryption: TableEncryption,
  ring: KeyRing | undefined,
): (row: Record<string, unknown>) => Record<string, unknown> {
  let cipher: RowCipher | undefined;
  return (row) => {
    if (ring === undefined)
      throw new ConfigurationError('Secrets were found, and there is no key to seal them.');
    cipher ??= new RowCipher(encryption, ring);
    return cipher.seal(row);
  };
}

async function insertRows(
  tx: LegacyHandle,
  table: 'oauth_identities' | 'api_keys',
  rows: readonly object[],
): Promise<void> {
  if (rows.length === 0) return;
  await (tx as unknown as Kysely<Record<string, Record<string, unknown>>>)
    .insertInto(table)
    .values(rows)
    .execute();
}
