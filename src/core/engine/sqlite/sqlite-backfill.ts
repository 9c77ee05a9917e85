import { sql } from 'kysely';
import type { BackfillTraits } from '../backfill-traits.ts';

/** How a backfill walks along the keys of a SQLite table. A key holds integers and texts; JSON has no bytes. */
export const sqliteBackfill: BackfillTraits = {
  packKey: (columns) => sql`json_array(${sql.join(columns.map((column) => sql.id(column)))})`,

  unpackKey: (_table, columns, packed) =>
    columns.map((_column, index) => sql`json_extract(${packed}, ${sql.lit(`$[${index}]`)})`),

  async estimateRows(db, table) {
    const { rows } = await sql<{ wr: number }>`
      select wr from pragma_table_list where name = ${table} and schema = 'main'`.execute(db);
    if (rows[0]?.wr !== 0) return undefined;
    // Counting would read the whole table on this thread; the last rowid is found at once.
    const { rows: last } = await sql<{ n: unknown }>`
      select max(0, min(max(rowid), 9007199254740991)) as n from ${sql.table(table)}`.execute(db);
    const guess = last[0]?.n;
    return typeof guess === 'number' ? guess : guess === null ? 0 : undefined;
  },
};
