import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** The journal of sagas: one row a saga, and one a step and direction. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'sagas',
    (c) => ({
      id: c.id(),
      name: c.text(),
      version: c.version(),
      steps: c.text(),
      status: c.enumText(['running', 'compensating', 'completed', 'compensated', 'stuck', 'resolved']),
      direction: c.enumText(['forward', 'backward']),
      idempotency_key: c.nullable(c.text()),
      input: c.nullable(c.text()),
      input_hash: c.text(),
      owner: c.nullable(c.text()),
      fence: c.integer(),
      heartbeat: c.integer(),
      failed_step: c.nullable(c.text()),
      stuck_step: c.nullable(c.text()),
      stuck_reason: c.nullable(c.text()),
      stuck_message: c.nullable(c.text()),
      note: c.nullable(c.text()),
      created_at: c.epochMillis(),
      updated_at: c.epochMillis(),
      finished_at: c.nullable(c.epochMillis()),
    }),
    {
      unique: [['name', 'idempotency_key']],
      indexes: [{ name: 'sagas_status_updated_at_index', columns: ['status', 'updated_at', 'id'] }],
    },
  );
  await t.createTable(
    db,
    'saga_steps',
    (c) => ({
      saga_id: c.references('sagas', { onDelete: 'cascade' }),
      direction: c.enumText(['forward', 'backward']),
      position: c.counter(0),
      name: c.text(),
      state: c.enumText(['started', 'interrupted', 'failed', 'done']),
      attempts: c.counter(0),
      failures: c.counter(0),
      crashes: c.counter(0),
      result: c.nullable(c.text()),
      error_name: c.nullable(c.text()),
      error_code: c.nullable(c.text()),
      error_message: c.nullable(c.text()),
      started_at: c.epochMillis(),
      finished_at: c.nullable(c.epochMillis()),
    }),
    { primaryKey: { name: 'saga_steps_primary_key', columns: ['saga_id', 'direction', 'position'] } },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('saga_steps').execute();
  await db.schema.dropTable('sagas').execute();
}
