import { DecryptionError, type Secret } from '../../core/index.ts';
import { openLegacySecret } from '../../core/security/index.ts';
import { createApiKey, type ApiKey } from '../account/api-key.ts';
import { ProviderName } from '../account/provider-name.ts';
import { ApiKeyId } from '../ids.ts';
import { makeLegacyId } from './legacy-id.ts';
import { isJsonObject, readJsonMembers } from './legacy-json.ts';
import { keptNote, leftOutNote, type LegacyNote } from './legacy-note.ts';
import { memberPlace, type LegacyOwner } from './legacy-owner.ts';
import { findSecret } from './legacy-secret-text.ts';
import { readShortText } from './legacy-text.ts';
import { readLegacyTime } from './legacy-time.ts';

/** What opens the API keys of a legacy database. */
export interface LegacyKeyInput {
  /** The key of the legacy application; undefined where API keys are left out. */
  readonly legacyKey: Uint8Array | undefined;
}

/** An API key that was read and opened. */
export interface LegacyApiKey {
  readonly place: string;
  readonly record: ApiKey;
  /** To be sealed again. */
  readonly key: Secret;
}

const fields: ReadonlySet<string> = new Set(['key', 'label', 'createdAt', 'lastUsed']);
const maxLabel = 100;

/**
 * Reads the column `api_keys`: `{ provider: { key, label?, createdAt, lastUsed? } }`. A record whose key does not open is
 * left out: without its key it would look like one that can be used. No note says what stood there.
 */
export function readLegacyApiKeys(
  text: string | undefined,
  owner: LegacyOwner,
  { legacyKey }: LegacyKeyInput,
  notes: LegacyNote[],
): LegacyApiKey[] {
  const column = 'api_keys';
  return readJsonMembers(text, { isSecret: true }, column, notes).flatMap(([provider, entry], index) => {
    const place = memberPlace(column, provider, index);
    const refuse = (reason: LegacyNote['reason']): [] => {
      notes.push(leftOutNote(place, reason, null));
      return [];
    };
    if (!ProviderName.is(provider)) return refuse('provider-is-unreadable');
    if (legacyKey === undefined) return refuse('no-legacy-key');
    const key = isJsonObject(entry) ? openKey(entry['key'], legacyKey) : undefined;
    if (!isJsonObject(entry) || key === undefined) return refuse('key-does-not-open');
    const secret = findSecret(key.reveal());
    if (secret === undefined) return refuse('secret-is-unreadable');
    if (Object.keys(entry).some((field) => !fields.has(field))) {
      notes.push(keptNote(place, 'unknown-field', null));
    }
    const terms = { isSecret: true };
    const now = readLegacyTime(entry['createdAt'], owner.createdAt, `${place}.createdAt`, notes, terms);
    const label = readShortText(entry['label'], { max: maxLabel, ...terms }, `${place}.label`, notes);
    const id = ApiKeyId.parse(makeLegacyId('api_keys', owner.userId, provider));
    const record = createApiKey({ userId: owner.userId, provider, label }, { now, id });
    const lastUsedAt = lastUseOf(entry['lastUsed'], `${place}.lastUsed`, notes);
    return [{ place, record: Object.freeze({ ...record, lastUsedAt }), key: secret }];
  });
}

function openKey(sealed: unknown, legacyKey: Uint8Array): Secret | undefined {
  if (typeof sealed !== 'string') return undefined;
  try {
    return openLegacySecret(sealed, legacyKey);
  } catch (error) {
    if (error instanceof DecryptionError) return undefined;
    throw error;
  }
}

function lastUseOf(value: unknown, place: string, notes: LegacyNote[]): number | undefined {
  if (value === undefined || value === null) return undefined;
  return readLegacyTime(value, undefined, place, notes, { isSecret: true });
}
