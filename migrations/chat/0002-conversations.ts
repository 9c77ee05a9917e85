import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** Threads and their messages. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const threads = t.table('context_threads');
  await db.schema
    .createTable('context_threads')
    .addColumn('id', threads.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('owner_id', threads.uuid('owner_id'), (column) =>
      column.references('users.id').onDelete('cascade'),
    )
    .addColumn('source_id', threads.text('source_id'))
    .addColumn('title', threads.text('title'))
    .addColumn('metadata', threads.json('metadata'))
    .addColumn('next_seq', threads.counter('next_seq', 1), (column) => column.notNull())
    .addColumn('version', threads.counter('version', 1), (column) => column.notNull())
    .addColumn('created_at', threads.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('updated_at', threads.epochMillis('updated_at'), (column) => column.notNull())
    .addUniqueConstraint('context_threads_source_id_unique', ['source_id'])
    .modifyEnd(threads.end)
    .execute();
  await db.schema
    .createIndex('context_threads_owner_id_updated_at_index')
    .on('context_threads')
    .columns(['owner_id', 'updated_at', 'id'])
    .execute();
  await db.schema
    .createIndex('context_threads_updated_at_index')
    .on('context_threads')
    .columns(['updated_at', 'id'])
    .execute();

  const messages = t.table('messages');
  await db.schema
    .createTable('messages')
    .addColumn('id', messages.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('thread_id', messages.uuid('thread_id'), (column) =>
      column.notNull().references('context_threads.id').onDelete('cascade'),
    )
    .addColumn('seq', messages.counter('seq', 1), (column) => column.notNull())
    .addColumn('role', messages.enumText('role', ['user', 'assistant', 'system', 'tool']), (column) =>
      column.notNull(),
    )
    .addColumn('content', messages.text('content'), (column) => column.notNull())
    .addColumn(
      'status',
      messages.enumText('status', ['pending', 'streaming', 'complete', 'error', 'interrupted']),
      (column) => column.notNull(),
    )
    .addColumn('metadata', messages.json('metadata'))
    .addColumn('version', messages.counter('version', 1), (column) => column.notNull())
    .addColumn('created_at', messages.epochMillis('created_at'), (column) => column.notNull())
    .addUniqueConstraint('messages_thread_id_seq_unique', ['thread_id', 'seq'])
    .modifyEnd(messages.end)
    .execute();
  await db.schema
    .createIndex('messages_thread_id_created_at_index')
    .on('messages')
    .columns(['thread_id', 'created_at', 'seq'])
    .execute();
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('messages').execute();
  await db.schema.dropTable('context_threads').execute();
}
