/** A small history for the tests of the Migrator: two tables and a row, each migration undone by its `down`. */
import type { Kysely } from 'kysely';
import {
  DatabaseProviderFactory,
  type DatabaseConfigInput,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import type { MigrationSet, NamedMigration } from '../../../src/core/migrate/index.ts';

export const first: NamedMigration = {
  name: '0001-notes',
  async up(db, t) {
    const notes = t.table('notes');
    await db.schema
      .createTable('notes')
      .addColumn('id', notes.integer('id'), (column) => column.notNull().primaryKey())
      .addColumn('body', notes.text('body'), (column) => column.notNull())
      .modifyEnd(notes.end)
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('notes').execute();
  },
};

export const second: NamedMigration = {
  name: '0002-first-note',
  async up(db) {
    await db.insertInto('notes').values({ id: 1, body: 'first' }).execute();
  },
  async down(db) {
    await db.deleteFrom('notes').where('id', '=', 1).execute();
  },
};

export const third: NamedMigration = {
  name: '0003-labels',
  async up(db, t) {
    const labels = t.table('labels');
    await db.schema
      .createTable('labels')
      .addColumn('name', labels.text('name'), (column) => column.notNull().primaryKey())
      .modifyEnd(labels.end)
      .execute();
  },
  async down(db) {
    await db.schema.dropTable('labels').execute();
  },
};

export const notes: MigrationSet = { name: 'notes', migrations: [first, second, third] };

/** The same set with other migrations. */
export function notesWith(...migrations: readonly NamedMigration[]): MigrationSet {
  return { name: 'notes', migrations };
}

/** A provider without table types: what a migration makes has none. */
export function openUntyped(config: DatabaseConfigInput): DatabaseProvider<any> {
  return DatabaseProviderFactory.createProvider<any>(config);
}

/** Every table that is neither the database's own nor the runner's, sorted. */
export async function listTables(db: Kysely<any>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('liminal_'))
    .sort();
}
