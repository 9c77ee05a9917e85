import type { Kysely } from 'kysely';
import type { ColumnHelpersV1 } from '../column-helpers-v1.ts';

/** How far the import of a legacy database is, what it could not take as it was, and the ids that it gave anew. */
export async function up(db: Kysely<unknown>, t: ColumnHelpersV1): Promise<void> {
  await t.createTable(db, 'legacy_imports', (c) => ({
    id: c.id(),
    fingerprint: c.text(),
    stage: c.counter(0),
    last_rowid: c.nullable(c.text()),
    is_alone: c.counter(0),
  }));
  await t.createTable(
    db,
    'legacy_quarantine',
    (c) => ({
      id: c.id(),
      source: c.counter(1),
      table_name: c.text(),
      source_rowid: c.text(),
      legacy_id: c.nullable(c.text()),
      place: c.text(),
      reason: c.text(),
      outcome: c.enumText(['kept', 'left_out']),
      seq: c.nullable(c.counter(1)),
      raw: c.nullable(c.text()),
    }),
    { indexes: [['source', 'table_name', 'source_rowid', 'id']] },
  );
  await t.createTable(
    db,
    'legacy_ids',
    (c) => ({
      id: c.id(),
      table_name: c.text(),
      legacy_id: c.text(),
      thread_id: c.nullable(c.uuid()),
    }),
    { indexes: [['table_name', 'legacy_id']] },
  );
}

/** Takes back everything that `up` made. */
export async function down(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropTable('legacy_ids').execute();
  await db.schema.dropTable('legacy_quarantine').execute();
  await db.schema.dropTable('legacy_imports').execute();
}
