/** Runs work as a migration is run: in a transaction, with foreign keys on or out of the way. */
import { sql, type Kysely, type Transaction } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import type { ColumnHelpers } from '../../../src/core/migrate/index.ts';

export type Work = (trx: Transaction<any>, t: ColumnHelpers) => Promise<unknown>;

/** As a migration that declares nothing. */
export async function migrate(provider: DatabaseProvider<any>, work: Work): Promise<void> {
  await provider.db.transaction().execute((trx) => work(trx, provider.migrations.columns));
}

/** As a migration that declares `foreignKeys: 'off'`. */
export async function migrateWithoutForeignKeys(provider: DatabaseProvider<any>, work: Work): Promise<void> {
  const isSqlite = provider.type.startsWith('sqlite');
  const turn = async (connection: Kysely<any>, setting: string) => {
    if (isSqlite) await sql.raw(`pragma foreign_keys = ${setting}`).execute(connection);
  };
  await provider.db.connection().execute(async (connection) => {
    await turn(connection, 'off');
    try {
      await connection.transaction().execute((trx) => work(trx, provider.migrations.columns));
    } finally {
      await turn(connection, 'on');
    }
  });
}

/** The parts of a SQLite schema, as they are declared. */
export async function readSqliteSchema(db: Kysely<any>): Promise<string[]> {
  const { rows } = await sql<{ part: string }>`
    select type || ' ' || name || ' ' || coalesce(sql, '') as part from sqlite_schema order by type, name`.execute(
    db,
  );
  return rows.map(({ part }) => part);
}
