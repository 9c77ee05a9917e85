import { Repository, type RepositoryProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import type { JsonValue } from '../json-value.ts';
import { preferenceFromRow, preferenceToRow } from './preference-mapper.ts';
import type { Preference } from './preference.ts';

/** Finds and changes users' preferences, one row a user and name. */
export class PreferenceRepository extends Repository<
  ChatDatabase,
  'user_preferences',
  Preference,
  { value: JsonValue },
  'user_id' | 'name'
> {
  /** @param provider of a database that holds the chat's tables */
  constructor(provider: RepositoryProvider<ChatDatabase>) {
    super(provider, {
      table: 'user_preferences',
      key: ['user_id', 'name'],
      version: 'version',
      columns: { user_id: 'uuid', name: 'text', value: 'json', updated_at: 'integer', version: 'integer' },
      mapper: { fromRow: preferenceFromRow, toRow: preferenceToRow },
    });
  }
}
