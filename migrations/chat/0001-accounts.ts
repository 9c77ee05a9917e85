import { sql, type Kysely, type RawBuilder, type SqlBool } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

const lowerCase = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';

/** Users and what hangs on them: identities, API keys and preferences. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const users = t.table('users');
  await db.schema
    .createTable('users')
    .addColumn('id', users.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('email', users.text('email'), (column) => column.notNull())
    .addColumn('email_verified_at', users.epochMillis('email_verified_at'))
    .addColumn('display_name', users.text('display_name'))
    .addColumn('version', users.counter('version', 1), (column) => column.notNull())
    .addColumn('created_at', users.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('updated_at', users.epochMillis('updated_at'), (column) => column.notNull())
    .addUniqueConstraint('users_email_unique', ['email'])
    .modifyEnd(users.end)
    .execute();

  const identities = t.table('oauth_identities');
  await db.schema
    .createTable('oauth_identities')
    .addColumn('id', identities.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('user_id', identities.uuid('user_id'), (column) =>
      column.notNull().references('users.id').onDelete('cascade'),
    )
    .addColumn('provider', identities.text('provider'), (column) => column.notNull())
    .addColumn('provider_user_id', identities.text('provider_user_id'), (column) => column.notNull())
    .addColumn('email', identities.text('email'))
    .addColumn('created_at', identities.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('last_used_at', identities.epochMillis('last_used_at'))
    .addColumn('version', identities.counter('version', 1), (column) => column.notNull())
    .addCheckConstraint('oauth_identities_provider_check', isName('provider', `${lowerCase}${digits}-`))
    .addUniqueConstraint('oauth_identities_provider_provider_user_id_unique', [
      'provider',
      'provider_user_id',
    ])
    .modifyEnd(identities.end)
    .execute();
  await db.schema
    .createIndex('oauth_identities_user_id_index')
    .on('oauth_identities')
    .column('user_id')
    .execute();

  const keys = t.table('api_keys');
  await db.schema
    .createTable('api_keys')
    .addColumn('id', keys.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('user_id', keys.uuid('user_id'), (column) =>
      column.notNull().references('users.id').onDelete('cascade'),
    )
    .addColumn('provider', keys.text('provider'), (column) => column.notNull())
    .addColumn('label', keys.text('label'))
    .addColumn('created_at', keys.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('last_used_at', keys.epochMillis('last_used_at'))
    .addColumn('revoked_at', keys.epochMillis('revoked_at'))
    .addColumn('version', keys.counter('version', 1), (column) => column.notNull())
    .addCheckConstraint('api_keys_provider_check', isName('provider', `${lowerCase}${digits}-`))
    .addUniqueConstraint('api_keys_user_id_provider_unique', ['user_id', 'provider'])
    .modifyEnd(keys.end)
    .execute();

  const preferences = t.table('user_preferences');
  await db.schema
    .createTable('user_preferences')
    .addColumn('user_id', preferences.uuid('user_id'), (column) =>
      column.notNull().references('users.id').onDelete('cascade'),
    )
    .addColumn('name', preferences.text('name'), (column) => column.notNull())
    .addColumn('value', preferences.json('value'), (column) => column.notNull())
    .addColumn('updated_at', preferences.epochMillis('updated_at'), (column) => column.notNull())
    .addColumn('version', preferences.counter('version', 1), (column) => column.notNull())
    .addCheckConstraint(
      'user_preferences_name_check',
      isName('name', `${lowerCase}${lowerCase.toUpperCase()}${digits}._-`),
    )
    .addPrimaryKeyConstraint('user_preferences_pkey', ['user_id', 'name'])
    .modifyEnd(preferences.end)
    .execute();
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
