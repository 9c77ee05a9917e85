import { sql } from 'kysely';
import type { ForeignKeySwitch } from '../migration-traits.ts';

interface Broken {
  readonly table: string;
  readonly rowid: number | null;
  readonly parent: string;
}

/** How many broken references are told one by one. */
const mostTold = 20;

/** Foreign keys of SQLite: a setting of the connection, which does nothing inside of a transaction. */
export const sqliteForeignKeys: ForeignKeySwitch = {
  async set(connection, isOn) {
    await sql.raw(`pragma foreign_keys = ${isOn ? 'on' : 'off'}`).execute(connection);
  },
  async areOn(connection) {
    const { rows } = await sql<{ foreign_keys: number }>`pragma foreign_keys`.execute(connection);
    return rows[0]?.foreign_keys === 1;
  },
  async findBroken(trx) {
    const { rows } = await sql<Broken>`
      select "table", "rowid", "parent" from pragma_foreign_key_check limit ${mostTold}`.execute(trx);
    return rows.map(({ table, rowid, parent }) =>
      rowid === null
        ? `a row of "${table}" refers to "${parent}", where nothing is`
        : `row ${rowid} of "${table}" refers to "${parent}", where nothing is`,
    );
  },
};
