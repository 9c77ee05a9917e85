import type { TransferTable } from '../engine/transfer-table.ts';
import { transferRecords } from '../engine/transfer-traits.ts';
import type { BadRow, QuarantinedRow } from './bad-row.ts';
import type { CopySide } from './copy-provider.ts';
import { readPages } from './read-pages.ts';

/**
 * Reads the rows that a copy has put into quarantine.
 *
 * @param target by its root handle, or by one that sees a moment. Kysely's own statements never go to a replica
 * @returns none where there is no quarantine
 */
export async function* readQuarantine({
  db,
  traits,
}: Pick<CopySide, 'db' | 'traits'>): AsyncGenerator<QuarantinedRow, void> {
  if (!(await traits.readNames(db)).has(transferRecords.quarantine)) return;
  const table = { name: transferRecords.quarantine, walk: [{ name: 'name', kind: 'text' as const }] };
  for await (const rows of readPages(db, table, [{ name: 'text', kind: 'text' }])) {
    for (const { c0 } of rows) yield JSON.parse(String(c0)) as QuarantinedRow;
  }
}

/** What may be told of a row in quarantine. */
export function toBadRow(
  { table, columns, reason, row }: QuarantinedRow,
  tables: readonly TransferTable[],
): BadRow {
  const key = tables.find(({ name }) => name === table)?.key ?? [];
  const names = key.length > 0 ? key : Object.keys(row);
  return { table, key: Object.fromEntries(names.map((name) => [name, row[name] ?? null])), columns, reason };
}
