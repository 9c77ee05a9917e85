import type { CopiedTable } from './copied-table.ts';
import type { AnyTables, CopySide } from './copy-provider.ts';
import { tableOf } from './read-pages.ts';
import { momentOf } from './verify-copy.ts';

/**
 * Finds the tables that have rows. It reads them as a copy does, so that a policy that hides rows is an error: whoever
 * empties a table takes hidden rows as well.
 */
export function findTakenTables(side: CopySide, tables: readonly CopiedTable[]): Promise<readonly string[]> {
  return momentOf(side)(async (db) => {
    const taken: string[] = [];
    for (const { name } of tables) if (await hasRows(db, name)) taken.push(name);
    return taken;
  });
}

async function hasRows(db: CopySide['db'], table: keyof AnyTables): Promise<boolean> {
  const rows = await db
    .selectFrom(tableOf(table))
    .select((eb) => eb.val(1).as('one'))
    .limit(1)
    .execute();
  return rows.length > 0;
}
