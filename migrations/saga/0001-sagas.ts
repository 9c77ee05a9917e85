import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** The journal of sagas: one row a saga, and one a step and direction. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const sagas = t.table('sagas');
  await db.schema
    .createTable('sagas')
    .addColumn('id', sagas.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('name', sagas.text('name'), (column) => column.notNull())
    .addColumn('version', sagas.counter('version', 1), (column) => column.notNull())
    .addColumn('steps', sagas.text('steps'), (column) => column.notNull())
    .addColumn(
      'status',
      sagas.enumText('status', ['running', 'compensating', 'completed', 'compensated', 'stuck', 'resolved']),
      (column) => column.notNull(),
    )
    .addColumn('direction', sagas.enumText('direction', ['forward', 'backward']), (column) =>
      column.notNull(),
    )
    .addColumn('idempotency_key', sagas.text('idempotency_key'))
    .addColumn('input', sagas.text('input'))
    .addColumn('input_hash', sagas.text('input_hash'), (column) => column.notNull())
    .addColumn('owner', sagas.text('owner'))
    .addColumn('fence', sagas.integer('fence'), (column) => column.notNull())
    .addColumn('heartbeat', sagas.integer('heartbeat'), (column) => column.notNull())
    .addColumn('failed_step', sagas.text('failed_step'))
    .addColumn('stuck_step', sagas.text('stuck_step'))
    .addColumn('stuck_reason', sagas.text('stuck_reason'))
    .addColumn('stuck_message', sagas.text('stuck_message'))
    .addColumn('note', sagas.text('note'))
    .addColumn('created_at', sagas.epochMillis('created_at'), (column) => column.notNull())
    .addColumn('updated_at', sagas.epochMillis('updated_at'), (column) => column.notNull())
    .addColumn('finished_at', sagas.epochMillis('finished_at'))
    .addUniqueConstraint('sagas_name_idempotency_key_unique', ['name', 'idempotency_key'])
    .modifyEnd(sagas.end)
    .execute();
  await db.schema
    .createIndex('sagas_status_updated_at_index')
    .on('sagas')
    .columns(['status', 'updated_at', 'id'])
    .execute();

  const steps = t.table('saga_steps');
  await db.schema
    .createTable('saga_steps')
    .addColumn('saga_id', steps.uuid('saga_id'), (column) =>
      column.notNull().references('sagas.id').onDelete('cascade'),
    )
    .addColumn('direction', steps.enumText('direction', ['forward', 'backward']), (column) =>
      column.notNull(),
    )
    .addColumn('position', steps.counter('position', 0), (column) => column.notNull())
    .addColumn('name', steps.text('name'), (column) => column.notNull())
    .addColumn('state', steps.enumText('state', ['started', 'interrupted', 'failed', 'done']), (column) =>
      column.notNull(),
    )
    .addColumn('attempts', steps.counter('attempts', 0), (column) => column.notNull())
    .addColumn('failures', steps.counter('failures', 0), (column) => column.notNull())
    .addColumn('crashes', steps.counter('crashes', 0), (column) => column.notNull())
    .addColumn('result', steps.text('result'))
    .addColumn('error_name', steps.text('error_name'))
    .addColumn('error_code', steps.text('error_code'))
    .addColumn('error_message', steps.text('error_message'))
    .addColumn('started_at', steps.epochMillis('started_at'), (column) => column.notNull())
    .addColumn('finished_at', steps.epochMillis('finished_at'))
    .addPrimaryKeyConstraint('saga_steps_primary_key', ['saga_id', 'direction', 'position'])
    .modifyEnd(steps.end)
    .execute();
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('saga_steps').execute();
  await db.schema.dropTable('sagas').execute();
}
