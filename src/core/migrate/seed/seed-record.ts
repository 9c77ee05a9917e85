/** The record of the seeds that a database was given. The table is made by the first seed that runs. */
import type { Kysely } from 'kysely';
import type { ColumnHelpers } from '../../engine/column-helpers.ts';
import { hasTable, inSchema } from '../bookkeeping.ts';

const table = 'liminal_seeds';

/** Where the record lies; undefined where the engine has no schemas. */
export type SeedSchema = string | undefined;

/** @returns the names of the seeds that have run; it writes nothing */
export async function readSeeds(db: Kysely<any>, schema: SeedSchema): Promise<ReadonlySet<string>> {
  if (!(await hasTable(db, table, schema))) return new Set();
  const rows: { name: string }[] = await inSchema(db, schema).selectFrom(table).select('name').execute();
  return new Set(rows.map(({ name }) => name));
}

/** Writes down that a seed has run, in the transaction that holds it and the lock of the migrations. */
export async function recordSeed(
  trx: Kysely<any>,
  seed: { readonly name: string; readonly ranAt: number },
  { schema, columns }: { readonly schema: SeedSchema; readonly columns: ColumnHelpers },
): Promise<void> {
  const types = columns.table(table);
  const place = inSchema(trx, schema);
  await place.schema
    .createTable(table)
    .ifNotExists()
    .addColumn('name', types.text('name'), (column) => column.notNull().primaryKey())
    .addColumn('ran_at', types.epochMillis('ran_at'), (column) => column.notNull())
    .modifyEnd(types.end)
    .execute();
  await place
    .insertInto(table)
    .values({ name: seed.name, ran_at: seed.ranAt })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ ran_at: seed.ranAt }))
    .execute();
}
