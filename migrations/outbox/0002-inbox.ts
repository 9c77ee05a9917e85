import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** Which consumer has seen which message. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'inbox_messages',
    (c) => ({ consumer: c.text(), message_id: c.text(), received_at: c.epochMillis() }),
    {
      primaryKey: { name: 'inbox_messages_primary_key', columns: ['consumer', 'message_id'] },
      indexes: [['consumer', 'received_at']],
    },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('inbox_messages').execute();
}
