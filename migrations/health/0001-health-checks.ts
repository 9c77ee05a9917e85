import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** The history of health checks. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'health_checks',
    (c) => ({
      id: c.id(),
      check_type: c.text(),
      status: c.enumText(['healthy', 'degraded', 'unhealthy']),
      message: c.nullable(c.text()),
      checked_at: c.epochMillis(),
      duration_ms: c.nullable(c.integer()),
    }),
    {
      indexes: [
        { name: 'health_checks_check_type_checked_at_index', columns: ['check_type', 'checked_at', 'id'] },
      ],
    },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('health_checks').execute();
}
