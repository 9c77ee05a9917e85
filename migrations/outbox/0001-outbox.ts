import { sql, type Kysely } from 'kysely';
import type { ColumnHelpersV1, ColumnKindsV1 } from '../column-helpers-v1.ts';

/** Messages on their way, those that were given up, and the places that each key has handed out. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(db, 'outbox_keys', (c) => ({ topic: c.text(), key: c.text(), last_seq: c.integer() }), {
    primaryKey: { name: 'outbox_keys_primary_key', columns: ['topic', 'key'] },
  });
  await t.createTable(
    db,
    'outbox_messages',
    (c) => ({
      ...messageColumns(c),
      attempts: c.counter(0),
      available_at: c.epochMillis(),
      fence: c.counter(0),
      lease_owner: c.nullable(c.uuid()),
      lease_beat: c.counter(0),
      lease_duration: c.nullable(c.integer()),
      last_error: c.nullable(c.text()),
      failed_at: c.nullable(c.epochMillis()),
    }),
    {
      indexes: [
        // The line of each key, from its head.
        {
          name: 'outbox_messages_key_index',
          columns: ['topic', 'key', 'seq'],
          unique: true,
          where: sql`"key" is not null`,
        },
        // One message of a key is delivered at a time: two relays may have looked before and behind a replay.
        {
          name: 'outbox_messages_leased_key_index',
          columns: ['topic', 'key'],
          unique: true,
          where: sql`"key" is not null and "lease_owner" is not null`,
        },
        // What has no key, and nobody has taken.
        {
          name: 'outbox_messages_free_index',
          columns: ['topic', 'available_at', 'id'],
          where: sql`"key" is null and "lease_owner" is null`,
        },
        { name: 'outbox_messages_topic_index', columns: ['topic', 'created_at'] },
        {
          name: 'outbox_messages_lease_owner_index',
          columns: ['lease_owner', 'id'],
          where: sql`"lease_owner" is not null`,
        },
        // What has failed and waits for its next attempt.
        { columns: ['available_at'], where: sql`"available_at" > 0` },
      ],
    },
  );
  await t.createTable(
    db,
    'outbox_dead_letters',
    (c) => ({
      ...messageColumns(c),
      attempts: c.counter(0),
      last_error: c.nullable(c.text()),
      died_at: c.epochMillis(),
    }),
    { indexes: [{ name: 'outbox_dead_letters_topic_index', columns: ['topic', 'key', 'seq'] }] },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('outbox_dead_letters').execute();
  await db.schema.dropTable('outbox_messages').execute();
  await db.schema.dropTable('outbox_keys').execute();
}

function messageColumns(c: ColumnKindsV1) {
  return {
    id: c.id(),
    topic: c.text(),
    key: c.nullable(c.text()),
    seq: c.nullable(c.integer()),
    payload: c.json(),
    headers: c.json(),
    created_at: c.epochMillis(),
  };
}
