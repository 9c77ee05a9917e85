import type { Secret } from '../../core/index.ts';
import { ProviderUserId, createOauthIdentity, type OauthIdentity } from '../account/oauth-identity.ts';
import { ProviderName } from '../account/provider-name.ts';
import { OauthIdentityId } from '../ids.ts';
import { findEmail } from './legacy-email.ts';
import { makeLegacyId } from './legacy-id.ts';
import { isJsonObject, readJsonMembers } from './legacy-json.ts';
import { keptNote, leftOutNote, type LegacyNote } from './legacy-note.ts';
import { memberPlace, type LegacyOwner } from './legacy-owner.ts';
import { findSecret } from './legacy-secret-text.ts';
import { readLegacyTime } from './legacy-time.ts';

/** An identity that was read. */
export interface LegacyIdentity {
  readonly place: string;
  readonly identity: OauthIdentity;
  /** To be sealed; null where there was none. */
  readonly refreshToken: Secret | null;
}

const fields: ReadonlySet<string> = new Set(['providerId', 'identity', 'refreshToken', 'updatedAt']);

/**
 * Reads the column `auth_providers`: `{ provider: { providerId, identity, refreshToken?, updatedAt } }`. The `identity`,
 * which is whatever the provider called the user, is kept where it is an e-mail address; the tables have no other place
 * for it. No note says what stood there: a refresh token may be anywhere in it.
 */
export function readLegacyIdentities(
  text: string | undefined,
  owner: LegacyOwner,
  notes: LegacyNote[],
): LegacyIdentity[] {
  const column = 'auth_providers';
  return readJsonMembers(text, { isSecret: true }, column, notes).flatMap(([provider, entry], index) => {
    const place = memberPlace(column, provider, index);
    const refuse = (reason: LegacyNote['reason']): [] => {
      notes.push(leftOutNote(place, reason, null));
      return [];
    };
    if (!ProviderName.is(provider)) return refuse('provider-is-unreadable');
    if (!isJsonObject(entry)) return refuse('identity-is-unreadable');
    const providerUserId = idOf(entry['providerId']);
    if (!ProviderUserId.is(providerUserId)) return refuse('identity-is-unreadable');
    if (Object.keys(entry).some((field) => !fields.has(field))) {
      notes.push(keptNote(place, 'unknown-field', null));
    }
    const now = readLegacyTime(entry['updatedAt'], owner.updatedAt, `${place}.updatedAt`, notes, {
      isSecret: true,
    });
    const id = OauthIdentityId.parse(makeLegacyId('oauth_identities', owner.userId, provider));
    const email = findEmail(entry['identity']);
    const made = { userId: owner.userId, provider, providerUserId, email };
    return [
      {
        place,
        identity: createOauthIdentity(made, { now, id }),
        refreshToken: tokenOf(entry['refreshToken'], `${place}.refreshToken`, notes),
      },
    ];
  });
}

/** Some providers count their users, and a careless program stored the number. */
function idOf(value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' ? value : '';
}

function tokenOf(value: unknown, place: string, notes: LegacyNote[]): Secret | null {
  if (value === undefined || value === null || value === '') return null;
  const token = typeof value === 'string' ? findSecret(value) : undefined;
  if (token !== undefined) return token;
  notes.push(keptNote(place, 'secret-is-unreadable', null));
  return null;
}
