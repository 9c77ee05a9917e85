import { makeLegacyId } from './legacy-id.ts';
import type { LegacyNote } from './legacy-note.ts';
import type { LegacyHandle, LegacyQuarantineTable } from './legacy-tables.ts';

/** A record of a legacy database, as far as notes name it. */
export interface NotedRecord {
  readonly source: number;
  readonly table: 'users' | 'context_threads';
  readonly rowid: string;
  readonly legacyId: string | undefined;
  readonly notes: readonly LegacyNote[];
}

/** An id that was given anew. */
export interface GivenId {
  readonly table: 'users' | 'context_threads' | 'messages';
  readonly id: string;
  readonly legacyId: string;
  /** Of a message. */
  readonly threadId?: string;
}

/** As many rows as stay below the fewest parameters that an engine takes. */
const rowsPerStatement = 500;

/** Stores what was not as it should be, in the transaction of what was imported. */
export async function storeNotes(tx: LegacyHandle, records: readonly NotedRecord[]): Promise<void> {
  const rows = records.flatMap(rowsOf);
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    await tx
      .insertInto('legacy_quarantine')
      .values(rows.slice(from, from + rowsPerStatement))
      .execute();
  }
}

/** Stores which ids were given anew. */
export async function storeGivenIds(tx: LegacyHandle, ids: readonly GivenId[]): Promise<void> {
  const rows = ids.map(({ table, id, legacyId, threadId = null }) => ({
    id,
    table_name: table,
    legacy_id: legacyId,
    thread_id: threadId,
  }));
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    await tx
      .insertInto('legacy_ids')
      .values(rows.slice(from, from + rowsPerStatement))
      .execute();
  }
}

function rowsOf({ source, table, rowid, legacyId, notes }: NotedRecord): LegacyQuarantineTable[] {
  return notes.map(({ place, reason, outcome, seq, raw }, number) => ({
    id: makeLegacyId('legacy_quarantine', table, String(source), rowid, String(number)),
    source,
    table_name: table,
    source_rowid: rowid,
    legacy_id: legacyId ?? null,
    place,
    reason,
    outcome,
    seq,
    raw,
  }));
}
