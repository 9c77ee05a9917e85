/** The tables in which the migrate room keeps what the records of Kysely's Migrator have no column for. */
import type { Kysely } from 'kysely';
import type { ColumnHelpers } from '../engine/column-helpers.ts';

/** Names of the tables; whoever looks at a schema passes over them. */
export const bookkeepingTables = {
  /** What each migration was when it ran, and which one is under way. */
  migrations: 'liminal_migrations',
  /** The schema behind each step. */
  schemas: 'liminal_schemas',
} as const;

/** Where the tables lie, and what they are made of. */
export interface BookkeepingPlace {
  /** Undefined where the engine has no schemas. */
  readonly schema: string | undefined;
  readonly columns: ColumnHelpers;
}

/** A handle whose tables lie in a schema. */
export function inSchema(db: Kysely<any>, schema: string | undefined): Kysely<any> {
  return schema === undefined ? db : db.withSchema(schema);
}

/** Whether a table is there. It makes and writes nothing. */
export async function hasTable(db: Kysely<any>, name: string, schema: string | undefined): Promise<boolean> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.some((table) => table.name === name && table.schema === schema);
}

/** Makes the tables where they are not there. Call it under the lock of the migrations, in a transaction. */
export async function ensureBookkeeping(
  db: Kysely<any>,
  { schema, columns }: BookkeepingPlace,
): Promise<void> {
  const { schema: builder } = inSchema(db, schema);
  const migrations = columns.table(bookkeepingTables.migrations);
  await builder
    .createTable(bookkeepingTables.migrations)
    .ifNotExists()
    .addColumn('set_name', migrations.text('set_name'), (column) => column.notNull())
    .addColumn('name', migrations.text('name'), (column) => column.notNull())
    .addColumn('state', migrations.enumText('state', ['running', 'applied']), (column) => column.notNull())
    .addColumn('checksum', migrations.text('checksum'))
    .addColumn('direction', migrations.enumText('direction', ['up', 'down']))
    .addColumn('invalid_before', migrations.json('invalid_before'))
    .addColumn('schema_before', migrations.text('schema_before'))
    .addColumn('changed_at', migrations.epochMillis('changed_at'), (column) => column.notNull())
    .addPrimaryKeyConstraint('liminal_migrations_pkey', ['set_name', 'name'])
    .modifyEnd(migrations.end)
    .execute();
  const schemas = columns.table(bookkeepingTables.schemas);
  await builder
    .createTable(bookkeepingTables.schemas)
    .ifNotExists()
    .addColumn('id', schemas.integer('id'), (column) => column.notNull().primaryKey())
    .addColumn('set_name', schemas.text('set_name'))
    .addColumn('name', schemas.text('name'))
    .addColumn('direction', schemas.enumText('direction', ['up', 'down', 'repair']), (column) =>
      column.notNull(),
    )
    .addColumn('fingerprint', schemas.text('fingerprint'), (column) => column.notNull())
    .addColumn('snapshot', schemas.text('snapshot'), (column) => column.notNull())
    .addColumn('recorded_at', schemas.epochMillis('recorded_at'), (column) => column.notNull())
    .modifyEnd(schemas.end)
    .execute();
}
