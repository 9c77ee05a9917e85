import type { Kysely } from 'kysely';
import type { ChatDatabase } from '../chat-database.ts';

/** The tables that an import keeps beside the chat's. */
export type LegacyTables = {
  /** How far the import is: one row. */
  legacy_imports: LegacyImportsTable;
  /** What could not be taken just as it was. */
  legacy_quarantine: LegacyQuarantineTable;
  /** The ids that were given anew. */
  legacy_ids: LegacyIdsTable;
};

interface LegacyImportsTable {
  /** UUID; primary key. Always the same one. */
  id: string;
  /** Of what is imported, in hexadecimal. */
  fingerprint: string;
  /** The step that is next, from 0. */
  stage: number;
  /** The rowid of the last row that is done in it, in decimal digits; NULL where there is none yet. */
  last_rowid: string | null;
  /** 0 where it was said as the import began that the target may hold other rows of the chat, else 1. */
  is_alone: number;
}

/** A row of `legacy_quarantine`. */
export interface LegacyQuarantineTable {
  /** UUID; primary key. The same one whenever the same database is imported. */
  id: string;
  /** Which of the legacy databases, from 1. */
  source: number;
  /** `users` or `context_threads`. */
  table_name: string;
  /** The rowid of the record there, in decimal digits. */
  source_rowid: string;
  /** Its id there; NULL where it has none that can be said. */
  legacy_id: string | null;
  /** Where in the record, such as `messages.3.createdAt`. */
  place: string;
  /** A code of `LegacyReason`. */
  reason: string;
  /** `kept` or `left_out`. */
  outcome: string;
  /** The place that a mended message has got in its thread; NULL for all else. */
  seq: number | null;
  /** The JSON of what stood there; NULL for secrets. */
  raw: string | null;
}

interface LegacyIdsTable {
  /** UUID; primary key. What the record is called now. */
  id: string;
  /** `users`, `context_threads` or `messages`. */
  table_name: string;
  /** What the legacy database called it. */
  legacy_id: string;
  /** The thread of a message; NULL for all else. */
  thread_id: string | null;
}

/** A handle that knows the tables of the import as well. */
export type LegacyHandle = Kysely<ChatDatabase & LegacyTables>;

/** The same handle, with the tables of the import. */
export function withLegacyTables(db: Kysely<ChatDatabase>): LegacyHandle {
  return db.withTables<LegacyTables>();
}
