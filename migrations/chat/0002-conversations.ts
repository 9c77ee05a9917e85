import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** Threads and their messages. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'context_threads',
    (c) => ({
      id: c.id(),
      owner_id: c.nullable(c.references('users', { onDelete: 'cascade' })),
      source_id: c.nullable(c.text()),
      title: c.nullable(c.text()),
      metadata: c.nullable(c.json()),
      next_seq: c.counter(1),
      version: c.version(),
      created_at: c.epochMillis(),
      updated_at: c.epochMillis(),
    }),
    {
      unique: [['source_id']],
      indexes: [
        { name: 'context_threads_owner_id_updated_at_index', columns: ['owner_id', 'updated_at', 'id'] },
        { name: 'context_threads_updated_at_index', columns: ['updated_at', 'id'] },
      ],
    },
  );
  await t.createTable(
    db,
    'messages',
    (c) => ({
      id: c.id(),
      thread_id: c.references('context_threads', { onDelete: 'cascade' }),
      seq: c.counter(1),
      role: c.enumText(['user', 'assistant', 'system', 'tool']),
      content: c.text(),
      status: c.enumText(['pending', 'streaming', 'complete', 'error', 'interrupted']),
      metadata: c.nullable(c.json()),
      version: c.version(),
      created_at: c.epochMillis(),
    }),
    {
      unique: [['thread_id', 'seq']],
      indexes: [{ name: 'messages_thread_id_created_at_index', columns: ['thread_id', 'created_at', 'seq'] }],
    },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('messages').execute();
  await db.schema.dropTable('context_threads').execute();
}
