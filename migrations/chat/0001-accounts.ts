import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

const lowerCase = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** Users and what hangs on them: identities, API keys and preferences. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'users',
    (c) => ({
      id: c.id(),
      email: c.text(),
      email_verified_at: c.nullable(c.epochMillis()),
      display_name: c.nullable(c.text()),
      version: c.version(),
      created_at: c.epochMillis(),
      updated_at: c.epochMillis(),
    }),
    { unique: [['email']] },
  );
  await t.createTable(
    db,
    'oauth_identities',
    (c) => ({
      id: c.id(),
      user_id: c.references('users', { onDelete: 'cascade' }),
      provider: c.text(),
      provider_user_id: c.text(),
      email: c.nullable(c.text()),
      sealed_refresh_token: c.nullable(c.text()),
      created_at: c.epochMillis(),
      last_used_at: c.nullable(c.epochMillis()),
      version: c.version(),
    }),
    {
      checks: { provider: isName('provider', `${lowerCase}${digits}-`) },
      unique: [['provider', 'provider_user_id']],
    },
  );
  await t.createTable(
    db,
    'api_keys',
    (c) => ({
      id: c.id(),
      user_id: c.references('users', { onDelete: 'cascade' }),
      provider: c.text(),
      label: c.nullable(c.text()),
      sealed_key: c.nullable(c.text()),
      created_at: c.epochMillis(),
      last_used_at: c.nullable(c.epochMillis()),
      revoked_at: c.nullable(c.epochMillis()),
      version: c.version(),
    }),
    {
      checks: { provider: isName('provider', `${lowerCase}${digits}-`) },
      unique: [['user_id', 'provider']],
    },
  );
  await t.createTable(
    db,
    'user_preferences',
    (c) => ({
      user_id: c.references('users', { onDelete: 'cascade' }),
      name: c.text(),
      value: c.json(),
      updated_at: c.epochMillis(),
      version: c.version(),
    }),
    {
      checks: { name: isName('name', `${lowerCase}${lowerCase.toUpperCase()}${digits}._-`) },
      primaryKey: ['user_id', 'name'],
    },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('user_preferences').execute();
  await db.schema.dropTable('api_keys').execute();
  await db.schema.dropTable('oauth_identities').execute();
  await db.schema.dropTable('users').execute();
}

/** From 1 to 64 of some characters; trimming them all away is the one test that both engines have. */
function isName(column: string, characters: string): RawBuilder<SqlBool> {
  const name = sql.ref(column);
  return sql<SqlBool>`length(${name}) between 1 and 64 and ltrim(${name}, ${sql.lit(characters)}) = ''`;
}
