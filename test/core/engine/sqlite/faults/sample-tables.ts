/** A small database whose every row is known, and the reading of it after something has happened to its file. */
import { sql } from 'kysely';
import { LiminalDataError, type DatabaseProvider } from '../../../../../src/core/index.ts';

export const sampleTables = ['birds', 'fish', 'trees', 'stones'] as const;

const rowCount = 400;

function rowsOf(table: string): { id: number; name: string; weight: number }[] {
  return Array.from({ length: rowCount }, (_, id) => ({
    id,
    name: `${table} ${String(id).padStart(6, '0')} `.repeat(4),
    weight: id / 8,
  }));
}

/** Makes the tables, each with an index, and leaves everything in the main file. */
export async function createSample(provider: DatabaseProvider<any>): Promise<void> {
  for (const table of sampleTables) {
    await provider.exec(
      `create table ${table} (id integer primary key, name text not null, weight real not null) strict`,
    );
    await provider.exec(`create index ${table}_by_name on ${table} (name)`);
    await provider.db.insertInto(table).values(rowsOf(table)).execute();
  }
  await provider.close();
}

/**
 * Reads a whole table, by its rows and by its index.
 *
 * @returns `right` or `wrong` where rows were read, else the name of the error's class
 * @throws what is no error of the library
 */
export async function readSample(provider: DatabaseProvider<any>, table: string): Promise<string> {
  const expected = JSON.stringify(rowsOf(table));
  try {
    for (const order of ['id', 'name']) {
      const { rows } = await sql`select * from ${sql.table(table)} order by ${sql.ref(order)}`.execute(
        provider.db,
      );
      if (JSON.stringify(rows) !== expected) return 'wrong';
    }
    return 'right';
  } catch (error) {
    if (error instanceof LiminalDataError) return error.name;
    throw error;
  }
}
