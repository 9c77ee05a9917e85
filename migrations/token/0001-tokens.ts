import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** Sessions with their refresh tokens, and what was revoked before its time. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'token_families',
    (c) => ({
      id: c.id(),
      subject: c.text(),
      token_grant: c.json(),
      created_at: c.epochMillis(),
      expires_at: c.epochMillis(),
      revoked_at: c.nullable(c.epochMillis()),
      revoked_for: c.nullable(c.enumText(['reuse', 'request'])),
    }),
    { indexes: [['subject'], ['expires_at']] },
  );
  await t.createTable(
    db,
    'refresh_tokens',
    (c) => ({
      hash: c.text(),
      family_id: c.references('token_families', { onDelete: 'cascade' }),
      created_at: c.epochMillis(),
      expires_at: c.epochMillis(),
      used_at: c.nullable(c.epochMillis()),
      successor: c.nullable(c.text()),
    }),
    { primaryKey: ['hash'], indexes: [['expires_at']] },
  );
  await t.createTable(
    db,
    'token_revocations',
    (c) => ({
      seq: c.integer(),
      kind: c.enumText(['token', 'session', 'subject']),
      value: c.text(),
      issued_until: c.epochMillis(),
      expires_at: c.epochMillis(),
    }),
    { primaryKey: ['seq'], indexes: [['kind', 'value', 'issued_until'], ['expires_at']] },
  );
  await t.createTable(db, 'token_revocation_counter', (c) => ({ name: c.text(), last_seq: c.integer() }), {
    primaryKey: ['name'],
  });
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('token_revocation_counter').execute();
  await db.schema.dropTable('token_revocations').execute();
  await db.schema.dropTable('refresh_tokens').execute();
  await db.schema.dropTable('token_families').execute();
}
