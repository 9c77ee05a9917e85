import { sql, type Kysely, type SqlBool } from 'kysely';
import type { AppendOnlyHelpersV1 } from '../append-only-helpers-v1.ts';

/** The audit trail: its chains, what stands for purged parts of them, and what must not be purged. */
export async function up(db: Kysely<unknown>, t: AppendOnlyHelpersV1): Promise<void> {
  await t.createTable(
    db,
    'audit_logs',
    (c) => ({
      stream: c.text(),
      seq: c.integer(),
      id: c.uuid(),
      recorded_at: c.epochMillis(),
      tenant: c.nullable(c.text()),
      actor_type: c.nullable(c.enumText(['user', 'service', 'system'])),
      actor_id: c.nullable(c.text()),
      action: c.text(),
      entity_type: c.nullable(c.text()),
      entity_id: c.nullable(c.text()),
      request_id: c.nullable(c.text()),
      trace_id: c.nullable(c.text()),
      // Text and no JSON: Postgres would write it anew, and its digest is that of its bytes.
      content: c.nullable(c.text()),
      content_digest: c.text(),
      key_id: c.text(),
      prev_hash: c.text(),
      hash: c.text(),
    }),
    {
      primaryKey: { name: 'audit_logs_primary_key', columns: ['stream', 'seq'] },
      unique: [['id']],
      checks: { seq: sql`"seq" >= 1` },
      indexes: [
        { name: 'audit_logs_time_index', columns: ['recorded_at', 'id'] },
        // Few entries have one time, so that the id, which decides among them, would only make these wider.
        { name: 'audit_logs_action_index', columns: ['action', 'recorded_at'] },
        // With the action at the end, what else was done is passed by without a look at its row.
        {
          name: 'audit_logs_actor_index',
          columns: ['actor_id', 'recorded_at', 'action'],
          where: sql`"actor_id" is not null`,
        },
        {
          name: 'audit_logs_entity_type_index',
          columns: ['entity_type', 'recorded_at', 'action'],
          where: sql`"entity_type" is not null`,
        },
        // Of one entity, and of one person whatever is kept of it under that id.
        {
          name: 'audit_logs_entity_index',
          columns: ['entity_id', 'recorded_at'],
          where: sql`"entity_id" is not null`,
        },
        {
          name: 'audit_logs_tenant_index',
          columns: ['tenant', 'recorded_at', 'action'],
          where: sql`"tenant" is not null`,
        },
      ],
    },
  );
  await t.createTable(
    db,
    'audit_segments',
    (c) => ({
      stream: c.text(),
      from_seq: c.integer(),
      to_seq: c.integer(),
      count: c.integer(),
      prev_hash: c.text(),
      last_hash: c.text(),
      purged_at: c.epochMillis(),
      key_id: c.text(),
      signature: c.text(),
    }),
    { primaryKey: { name: 'audit_segments_primary_key', columns: ['stream', 'from_seq'] } },
  );
  await t.createTable(db, 'audit_holds', (c) => ({
    id: c.id(),
    what: c.json(),
    reason: c.text(),
    placed_at: c.epochMillis(),
    placed_by: c.nullable(c.text()),
    released_at: c.nullable(c.epochMillis()),
    released_by: c.nullable(c.text()),
  }));
  await t.createSwitchTable(db, 'audit_maintenance');
  await t.makeAppendOnly(db, 'audit_logs', {
    switchTable: 'audit_maintenance',
    // What explains erased contents stays.
    erasable: { column: 'content', where: sql<SqlBool>`old.action <> 'audit.erase'` },
    // The newest row of a stream stays, so that the head of its chain is always a row.
    deletable: sql<SqlBool>`old.action <> 'audit.erase' and (
        select s.to_seq from audit_segments s where s.stream = old.stream and s.from_seq <= old.seq
        order by s.from_seq desc limit 1
      ) >= old.seq and exists (select 1 from audit_logs l where l.stream = old.stream and l.seq > old.seq)`,
  });
  await t.makeAppendOnly(db, 'audit_segments');
  await t.createChainReader(db, 'audit_logs_heads', {
    table: 'audit_logs',
    chain: 'stream',
    place: 'seq',
    link: 'hash',
  });
}

/** Takes back everything that `up` made, as long as nothing is recorded: evidence is not dropped in passing. */
export async function down(db: Kysely<unknown>, t: AppendOnlyHelpersV1): Promise<void> {
  const { rows } = await sql`select 1 from audit_logs limit 1`.execute(db);
  if (rows.length > 0) {
    throw new Error(
      'The audit trail has entries, and going down would drop them. Export them, and drop the tables by hand where they are really to go.',
    );
  }
  await t.dropChainReader(db, 'audit_logs_heads', 'audit_logs');
  await t.dropAppendOnly(db, 'audit_segments');
  await t.dropAppendOnly(db, 'audit_logs');
  await db.schema.dropTable('audit_maintenance').execute();
  await db.schema.dropTable('audit_holds').execute();
  await db.schema.dropTable('audit_segments').execute();
  await db.schema.dropTable('audit_logs').execute();
}
