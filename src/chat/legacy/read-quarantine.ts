import type { DatabaseProvider } from '../../core/index.ts';
import type { ChatDatabase } from '../chat-database.ts';
import { withLegacyTables, type LegacyHandle, type LegacyTables } from './legacy-tables.ts';

/** How much was not taken just as it was. */
export interface LegacyNoteCounts {
  /** What came in mended. */
  readonly kept: number;
  /** What did not come in. */
  readonly leftOut: number;
  /** Both by their reasons. */
  readonly byReason: Readonly<Record<string, number>>;
  /** Ids that were no UUIDs, and were given anew. They are no fault. */
  readonly givenIds: number;
}

/** A line of the report on an import. */
export type LegacyReportLine =
  | {
      /** Something was not taken just as it was; the rest as in the table `legacy_quarantine`. */
      readonly type: 'quarantine';
      readonly source: number;
      readonly table: string;
      /** In decimal digits: it may be beyond what a number of JavaScript holds exactly. */
      readonly rowid: string;
      readonly id: string | null;
      readonly place: string;
      readonly reason: string;
      readonly outcome: string;
      /** What stood there; null for secrets. */
      readonly raw: unknown;
    }
  | {
      /** An id that was no UUID has become another one. */
      readonly type: 'id';
      readonly table: string;
      readonly id: string;
      readonly becomes: string;
      /** The thread of a message. */
      readonly thread: string | null;
    };

const rowsTogether = 500;
/** No id of this library is this one. */
const firstId = '00000000-0000-0000-0000-000000000000';

/** Counts what was not taken just as it was. */
export async function countNotes(db: LegacyHandle): Promise<LegacyNoteCounts> {
  const rows = await db
    .selectFrom('legacy_quarantine')
    .select(({ fn }) => ['reason', 'outcome', fn.countAll<number>().as('count')])
    .groupBy(['reason', 'outcome'])
    .orderBy('reason')
    .execute();
  const { ids } = await db
    .selectFrom('legacy_ids')
    .select(({ fn }) => fn.countAll<number>().as('ids'))
    .executeTakeFirstOrThrow();
  const sumOf = (outcome: string): number =>
    rows.filter((row) => row.outcome === outcome).reduce((sum, { count }) => sum + Number(count), 0);
  const byReason: Record<string, number> = {};
  for (const { reason, count } of rows) byReason[reason] = (byReason[reason] ?? 0) + Number(count);
  return { kept: sumOf('kept'), leftOut: sumOf('left_out'), byReason, givenIds: Number(ids) };
}

/**
 * Reads the report on an import: first what was not taken just as it was, then the ids that were given anew. It is the
 * same whenever the same databases were imported.
 *
 * @param provider of a database that `importLegacy` has imported into
 * @returns the lines, a few hundred at a time
 * @throws QueryError where nothing was imported into the database
 * @example
 * for await (const line of readLegacyQuarantine(store.provider)) console.log(JSON.stringify(line));
 */
export async function* readLegacyQuarantine(
  provider: Pick<DatabaseProvider<ChatDatabase>, 'db'>,
): AsyncGenerator<LegacyReportLine> {
  const db = withLegacyTables(provider.db);
  for await (const row of readById((after) => pageOf(db, 'legacy_quarantine', after))) {
    yield {
      type: 'quarantine',
      source: row.source,
      table: row.table_name,
      rowid: row.source_rowid,
      id: row.legacy_id,
      place: row.place,
      reason: row.reason,
      outcome: row.outcome,
      raw: row.raw === null ? null : JSON.parse(row.raw),
    };
  }
  for await (const row of readById((after) => pageOf(db, 'legacy_ids', after))) {
    const { table_name: table, legacy_id: legacyId, id, thread_id: thread } = row;
    yield { type: 'id', table, id: legacyId, becomes: id, thread };
  }
}

async function* readById<Row extends { readonly id: string }>(
  read: (after: string) => Promise<readonly Row[]>,
): AsyncGenerator<Row> {
  for (let after = firstId; ;) {
    const rows = await read(after);
    yield* rows;
    if (rows.length < rowsTogether) return;
    after = rows.at(-1)!.id;
  }
}

function pageOf<Table extends 'legacy_quarantine' | 'legacy_ids'>(
  db: LegacyHandle,
  table: Table,
  after: string,
) {
  const page: unknown = db
    .selectFrom<'legacy_quarantine' | 'legacy_ids'>(table)
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(rowsTogether)
    .execute();
  return page as Promise<LegacyTables[Table][]>;
}
