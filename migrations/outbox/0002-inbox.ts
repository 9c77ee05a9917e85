import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** Which consumer has seen which message. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const inbox = t.table('inbox_messages');
  await db.schema
    .createTable('inbox_messages')
    .addColumn('consumer', inbox.text('consumer'), (column) => column.notNull())
    .addColumn('message_id', inbox.text('message_id'), (column) => column.notNull())
    .addColumn('received_at', inbox.epochMillis('received_at'), (column) => column.notNull())
    .addPrimaryKeyConstraint('inbox_messages_primary_key', ['consumer', 'message_id'])
    .modifyEnd(inbox.end)
    .execute();
  await db.schema
    .createIndex('inbox_messages_consumer_received_at_index')
    .on('inbox_messages')
    .columns(['consumer', 'received_at'])
    .execute();
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('inbox_messages').execute();
}
