import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** The history of health checks. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  const checks = t.table('health_checks');
  await db.schema
    .createTable('health_checks')
    .addColumn('id', checks.uuid('id'), (column) => column.notNull().primaryKey())
    .addColumn('check_type', checks.text('check_type'), (column) => column.notNull())
    .addColumn('status', checks.enumText('status', ['healthy', 'degraded', 'unhealthy']), (column) =>
      column.notNull(),
    )
    .addColumn('message', checks.text('message'))
    .addColumn('checked_at', checks.epochMillis('checked_at'), (column) => column.notNull())
    .addColumn('duration_ms', checks.integer('duration_ms'))
    .modifyEnd(checks.end)
    .execute();
  await db.schema
    .createIndex('health_checks_check_type_checked_at_index')
    .on('health_checks')
    .columns(['check_type', 'checked_at', 'id'])
    .execute();
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('health_checks').execute();
}
