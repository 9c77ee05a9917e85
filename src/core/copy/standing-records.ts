/**
 * What a database notes of work that is done once for all: its seeds and its backfills. A target that did not know of
 * them would do that work to the copied rows once more.
 */
import type { Kysely } from 'kysely';
import { standingRecords } from '../engine/bookkeeping-tables.ts';
import type { TransferTraits } from '../engine/transfer-traits.ts';
import type { AnyTables } from './copy-provider.ts';

/**
 * Brings the records over. They are few; a run that goes on behind a lost snapshot replaces what an earlier one has brought.
 *
 * @param source its snapshot: a backfill that goes on there has come further since, and the copied rows have not
 * @param traits of the source's engine
 * @param target where they are written, one by one
 */
export async function copyStandingRecords(
  source: Kysely<AnyTables>,
  { readNames }: Pick<TransferTraits, 'readNames'>,
  target: Kysely<AnyTables>,
): Promise<void> {
  const names = await readNames(source);
  for (const [table, columns] of Object.entries(standingRecords)) {
    if (!names.has(table)) continue;
    await makeTable(target, table, columns);
    const rows = await source.selectFrom(table).select(Object.keys(columns)).execute();
    for (const row of rows) {
      await target
        .insertInto(table)
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute();
    }
  }
}

async function makeTable(
  db: Kysely<AnyTables>,
  table: string,
  columns: Readonly<Record<string, 'text' | 'bigint'>>,
): Promise<void> {
  let query = db.schema.createTable(table).ifNotExists();
  for (const [name, type] of Object.entries(columns)) {
    query = query.addColumn(name, type, (column) =>
      name === 'name' ? column.notNull().primaryKey() : column,
    );
  }
  await query.execute();
}
