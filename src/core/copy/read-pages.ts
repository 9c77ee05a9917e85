/** Reads whole tables in pages that are small in bytes, whatever the size of their rows. */
import { ColumnNode, ExpressionWrapper, ReferenceNode, TableNode, type Kysely } from 'kysely';
import { RowBudget } from '../engine/row-budget.ts';
import type { TransferTable } from '../engine/transfer-table.ts';
import { isReadAsText, type ComparedKind } from './canonical-value.ts';
import type { AnyTables } from './copy-provider.ts';

/** A row by the places of its columns: `c0`, `c1`. */
export type PageRow = Record<string, unknown>;

/** What has to be known of a table. */
export type PagedTable = Pick<TransferTable, 'name' | 'walk'>;

/** Of a table that has nothing to page by: a cursor that a server holds, and little at once since it knows no bytes. */
const streamedAtOnce = 8;

/**
 * Reads a table, a page at a time along its walk: a stream inside of a transaction of SQLite is read whole before its
 * first row is given out. Where there is no walk it is read as a stream all the same.
 *
 * @param db a handle that sees one moment of the database
 * @param table as this database has it
 * @param columns which are read, with how their values are compared
 */
export async function* readPages(
  db: Kysely<AnyTables>,
  table: PagedTable,
  columns: readonly { readonly name: string; readonly kind: ComparedKind }[],
): AsyncGenerator<readonly PageRow[], void> {
  const select = prepareSelect(db, table, columns);
  if (table.walk.length === 0) {
    for await (const row of select(undefined).stream(streamedAtOnce)) yield [row];
    return;
  }
  const budget = new RowBudget();
  let last: PageRow | undefined;
  for (;;) {
    const asked = budget.rows;
    const rows: readonly PageRow[] = await select(last).limit(asked).execute();
    if (rows.length > 0) yield rows;
    if (rows.length < asked) return;
    budget.note(rows.map((row) => Object.values(row)));
    last = rows.at(-1);
  }
}

/** A table that is called `t` in the query. By a node, since a text such as `a.b` would be taken for a schema and its table. */
export function tableOf(name: string) {
  return new ExpressionWrapper<AnyTables, string, Record<string, unknown>>(TableNode.create(name)).as('t');
}

function columnOf(name: string): ExpressionWrapper<AnyTables, string, unknown> {
  return new ExpressionWrapper(ReferenceNode.create(ColumnNode.create(name), TableNode.create('t')));
}

function prepareSelect(
  db: Kysely<AnyTables>,
  { name, walk }: PagedTable,
  columns: readonly { readonly name: string; readonly kind: ComparedKind }[],
) {
  return (last: PageRow | undefined) => {
    let query = db.selectFrom(tableOf(name)).select((eb) => {
      const read = (column: { readonly name: string; readonly kind: ComparedKind }, alias: string) =>
        isReadAsText(column.kind)
          ? eb.cast<unknown>(columnOf(column.name), 'text').as(alias)
          : columnOf(column.name).as(alias);
      return [
        ...columns.map((column, index) => read(column, `c${index}`)),
        ...walk.map((column, index) => read(column, `w${index}`)),
      ];
    });
    for (const column of walk) query = query.orderBy(columnOf(column.name));
    if (last === undefined) return query;
    // By itself the choice between several conditions would be looked for in no index.
    return query
      .where((eb) => eb(columnOf(walk[0]!.name), '>=', last['w0']))
      .where((eb) =>
        eb.or(
          walk.map((column, depth) =>
            eb.and([
              ...walk
                .slice(0, depth)
                .map((before, index) => eb(columnOf(before.name), '=', last[`w${index}`])),
              eb(columnOf(column.name), '>', last[`w${depth}`]),
            ]),
          ),
        ),
      );
  };
}
