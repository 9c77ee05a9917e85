import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { SharedDefinitions } from '../query/shared-definitions.ts';
import { ReadRepository } from '../repository/read-repository.ts';
import { entryFromRow, type AuditEntry } from './audit-entry.ts';
import { auditTablesOf, type AuditTables } from './audit-tables.ts';

/** The part of a provider that reading the trail needs, whatever its tables are; `DatabaseProvider` fits. */
export interface AuditReadProvider {
  /** The root handle. */
  readonly db: object;
  /** What is said differently in the engine's SQL. */
  readonly sql: SqlVocabulary;
  /** The way past Kysely's executor; absent where there is none. */
  readonly direct?: DirectExecutor | undefined;
  /** What is kept for everybody who works on the same database; absent where each keeps it alone. */
  readonly shared?: SharedDefinitions | undefined;
}

/** The entries of a trail, to be asked with filters and in pages. */
export type AuditEntries = ReadRepository<AuditTables, 'audit_logs', AuditEntry>;

const columns = {
  stream: 'text',
  seq: 'integer',
  id: 'uuid',
  recorded_at: 'integer',
  tenant: 'text?',
  actor_type: 'text?',
  actor_id: 'text?',
  action: 'text',
  entity_type: 'text?',
  entity_id: 'text?',
  request_id: 'text?',
  trace_id: 'text?',
  content: 'text?',
  content_digest: 'text',
  key_id: 'text',
  prev_hash: 'text',
  hash: 'text',
} as const;

/** The names of all columns, for who needs rows as they are stored. */
export const auditColumns = Object.keys(columns) as readonly (keyof typeof columns)[];

/** Opens the entries of a trail for reading. */
export function auditEntriesOf({ db, sql, direct, shared }: AuditReadProvider): AuditEntries {
  return new ReadRepository(
    { db: auditTablesOf(db), sql, direct, shared },
    {
      table: 'audit_logs',
      key: 'id',
      unique: [['stream', 'seq']],
      columns,
      mapper: { fromRow: entryFromRow, toRow: refuseToWrite },
    },
  );
}

function refuseToWrite(): never {
  throw new TypeError('Entries are written by AuditLog.record alone.');
}
