import { sql, type Kysely } from 'kysely';
import type { ColumnHelpersV1, TableHelpersV1 } from '../column-helpers-v1.ts';

/** Messages on their way, those that were given up, and the places that each key has handed out. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const keys = t.table('outbox_keys');
  await db.schema
    .createTable('outbox_keys')
    .addColumn('topic', keys.text('topic'), (column) => column.notNull())
    .addColumn('key', keys.text('key'), (column) => column.notNull())
    .addColumn('last_seq', keys.integer('last_seq'), (column) => column.notNull())
    .addPrimaryKeyConstraint('outbox_keys_primary_key', ['topic', 'key'])
    .modifyEnd(keys.end)
    .execute();

  const messages = t.table('outbox_messages');
  await createMessageTable(db, 'outbox_messages', messages)
    .addColumn('attempts', messages.counter('attempts', 0), (column) => column.notNull())
    .addColumn('available_at', messages.epochMillis('available_at'), (column) => column.notNull())
    .addColumn('fence', messages.counter('fence', 0), (column) => column.notNull())
    .addColumn('lease_owner', messages.uuid('lease_owner'))
    .addColumn('lease_beat', messages.counter('lease_beat', 0), (column) => column.notNull())
    .addColumn('lease_duration', messages.integer('lease_duration'))
    .addColumn('last_error', messages.text('last_error'))
    .addColumn('failed_at', messages.epochMillis('failed_at'))
    .modifyEnd(messages.end)
    .execute();
  // The line of each key, from its head.
  await db.schema
    .createIndex('outbox_messages_key_index')
    .unique()
    .on('outbox_messages')
    .columns(['topic', 'key', 'seq'])
    .where(sql.ref('key'), 'is not', null)
    .execute();
  // One message of a key is delivered at a time: two relays may have looked before and behind a replay.
  await db.schema
    .createIndex('outbox_messages_leased_key_index')
    .unique()
    .on('outbox_messages')
    .columns(['topic', 'key'])
    .where(sql.ref('key'), 'is not', null)
    .where(sql.ref('lease_owner'), 'is not', null)
    .execute();
  // What has no key, and nobody has taken.
  await db.schema
    .createIndex('outbox_messages_free_index')
    .on('outbox_messages')
    .columns(['topic', 'available_at', 'id'])
    .where(sql.ref('key'), 'is', null)
    .where(sql.ref('lease_owner'), 'is', null)
    .execute();
  await db.schema
    .createIndex('outbox_messages_topic_index')
    .on('outbox_messages')
    .columns(['topic', 'created_at'])
    .execute();
  await db.schema
    .createIndex('outbox_messages_lease_owner_index')
    .on('outbox_messages')
    .columns(['lease_owner', 'id'])
    .where(sql.ref('lease_owner'), 'is not', null)
    .execute();
  // What has failed and waits for its next attempt.
  await db.schema
    .createIndex('outbox_messages_available_at_index')
    .on('outbox_messages')
    .column('available_at')
    .where(sql.ref('available_at'), '>', 0)
    .execute();

  const dead = t.table('outbox_dead_letters');
  await createMessageTable(db, 'outbox_dead_letters', dead)
    .addColumn('attempts', dead.counter('attempts', 0), (column) => column.notNull())
    .addColumn('last_error', dead.text('last_error'))
    .addColumn('died_at', dead.epochMillis('died_at'), (column) => column.notNull())
    .modifyEnd(dead.end)
    .execute();
  await db.schema
    .createIndex('outbox_dead_letters_topic_index')
    .on('outbox_dead_letters')
    .columns(['topic', 'key', 'seq'])
    .execute();
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('outbox_dead_letters').execute();
  await db.schema.dropTable('outbox_messages').execute();
  await db.schema.dropTable('outbox_keys').execute();
}

function createMessageTable(db: Kysely<unknown>, name: string, columns: TableHelpersV1) {
  return db.schema
    .createTable(name)
    .addColumn('id', columns.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('topic', columns.text('topic'), (column) => column.notNull())
    .addColumn('key', columns.text('key'))
    .addColumn('seq', columns.integer('seq'))
    .addColumn('payload', columns.json('payload'), (column) => column.notNull())
    .addColumn('headers', columns.json('headers'), (column) => column.notNull())
    .addColumn('created_at', columns.epochMillis('created_at'), (column) => column.notNull());
}
