import type { ColumnType, Kysely } from 'kysely';
import type { Actor } from '../foundation/actor-context.ts';

/** The tables of the migration set `audit`. Columns are described where they are written and read. */
export interface AuditTables {
  audit_logs: AuditLogsTable;
  audit_segments: AuditSegmentsTable;
  audit_holds: AuditHoldsTable;
  audit_maintenance: AuditMaintenanceTable;
}

/** One event a row. Rows of a stream are a chain; what follows its last row is an attack or a fault. */
export interface AuditLogsTable {
  /** Which chain. */
  stream: string;
  /** The place in its chain, from 1, without gaps. */
  seq: number;
  id: string;
  /** The clock's time; it decides no order. */
  recorded_at: ColumnType<number, number, never>;
  tenant: string | null;
  /** Null where nobody was known. */
  actor_type: Actor['type'] | null;
  actor_id: string | null;
  action: string;
  entity_type: string | null;
  entity_id: string | null;
  request_id: string | null;
  trace_id: string | null;
  /** The canonical JSON of `{ changes?, metadata?, reason? }`; null once it was erased. */
  content: string | null;
  /** The keyed code of the content and of the columns above; it stays when the content is erased. */
  content_digest: string;
  /** Which key made the code. */
  key_id: string;
  /** The hash of the row before it; that of `firstHash` at the beginning. */
  prev_hash: string;
  /** SHA-256 of every other column but the content. */
  hash: string;
}

/** Signed summaries of what was purged. */
export interface AuditSegmentsTable {
  stream: string;
  from_seq: number;
  to_seq: number;
  count: number;
  /** The hash of the row before the first one. */
  prev_hash: string;
  /** The hash of the last one. */
  last_hash: string;
  purged_at: ColumnType<number, number, never>;
  key_id: string;
  signature: string;
}

/** What must not be purged or erased. */
export interface AuditHoldsTable {
  id: string;
  /** The filter of what is held, as JSON. */
  what: string;
  reason: string;
  placed_at: ColumnType<number, number, never>;
  placed_by: string | null;
  /** Null while it holds. */
  released_at: number | null;
  released_by: string | null;
}

/** Has a row for a part of the purge's or the erasure's own transaction, and refuses a COMMIT while it has one. */
export interface AuditMaintenanceTable {
  /** Always `on`. */
  state: string;
  /** Always `off`, which no row is: that is what the COMMIT waits for. */
  until: string;
}

/**
 * The tables by a handle of the application's. Its plugins stay outside: one that renames columns would hide
 * these from us.
 */
export function auditTablesOf(handle: object): Kysely<AuditTables> {
  const db = handle as Kysely<AuditTables>;
  return db.getExecutor().plugins.length === 0 ? db : db.withoutPlugins();
}
