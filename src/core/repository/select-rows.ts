import { sql, type AliasableExpression, type SqlBool } from 'kysely';
import type { Cursor } from '../domain/page.ts';
import { allOf, everything, type Condition } from '../query/condition.ts';
import { encodeCursor } from '../query/cursor.ts';
import { keysetCondition, type Gap } from '../query/keyset.ts';
import { orderExpressions, type Order } from '../query/order.ts';
import type { FindPlan, PagePlan, StreamPlan } from './plan-read.ts';
import type { StoredRow, UntypedDatabase } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/** The rows of a page, in the order that was asked for, and the cursors at its ends. */
export interface RowPage {
  readonly rows: readonly StoredRow[];
  readonly nextCursor: Cursor | undefined;
  readonly previousCursor: Cursor | undefined;
}

// Names the column that says whether there are rows on the other side of a page's cursor.
const behindName = 'liminal_rows_behind';

/** Reads the rows of a plan. */
export async function selectRows(
  db: UntypedDatabase,
  { table }: TableDefinition,
  { condition, order, limit, names }: FindPlan,
  backward = false,
): Promise<StoredRow[]> {
  if (limit === 0) return [];
  let query = db
    .selectFrom(table)
    .select([...names])
    .where(condition);
  for (const term of orderExpressions(order, backward)) query = query.orderBy(term);
  if (limit !== undefined) query = query.limit(limit);
  return query.execute();
}

/** Whether a row fulfils a condition. */
export async function existsRow(
  db: UntypedDatabase,
  { table }: TableDefinition,
  condition: Condition,
): Promise<boolean> {
  const query = db
    .selectFrom(table)
    .select(sql`1`.as('found'))
    .where(condition)
    .limit(1);
  return (await query.execute()).length > 0;
}

/** Counts the rows that fulfil a condition. */
export async function countRows(
  db: UntypedDatabase,
  { table }: TableDefinition,
  condition: Condition,
): Promise<number> {
  const query = db
    .selectFrom(table)
    .select(sql<number>`count(*)`.as('count'))
    .where(condition);
  const [row] = await query.execute();
  return row?.count ?? 0;
}

/**
 * Reads one page by one statement: one row more than the page has, to know whether others follow, and
 * whether there is a row on the other side of the cursor.
 */
export async function selectPage(
  db: UntypedDatabase,
  definition: TableDefinition,
  plan: PagePlan,
): Promise<RowPage> {
  const { condition, order, limit, gap, direction } = plan;
  if (limit === 0) return { rows: [], nextCursor: undefined, previousCursor: undefined };
  const backward = direction === 'before';
  const behind = gap && allOf([condition, keysetCondition(order, gap, backward ? 'after' : 'before')]);

  let query = db
    .selectFrom(definition.table)
    .select([...definition.names])
    .where(allOf([condition, gap ? keysetCondition(order, gap, direction) : everything]))
    .limit(limit + 1);
  for (const term of orderExpressions(order, backward)) query = query.orderBy(term);
  if (behind !== undefined) query = query.select(existsExpression(definition.table, behind).as(behindName));
  const found: StoredRow[] = await query.execute();

  const rows = found.slice(0, limit);
  if (backward) rows.reverse();
  const [first] = rows;
  const last = rows.at(-1);
  const hasMore = found.length > limit;
  let hasBehind = Boolean(first?.[behindName]);
  if (first === undefined && behind !== undefined) hasBehind = await existsRow(db, definition, behind);

  const cursorAt = (side: Gap['side'], row: StoredRow | undefined): Cursor =>
    encodeCursor(definition.table, order, row === undefined ? gap! : gapBeside(row, order, side));
  return {
    rows: behind === undefined ? rows : rows.map(({ [behindName]: _, ...row }) => row),
    nextCursor: (backward ? hasBehind : hasMore) ? cursorAt('after', last) : undefined,
    previousCursor: (backward ? hasMore : hasBehind) ? cursorAt('before', first) : undefined,
  };
}

/** Reads rows in chunks, each by a statement of its own that goes on behind the last row of the one before. */
export async function* streamRows(
  db: UntypedDatabase,
  definition: TableDefinition,
  { condition, order, chunkSize }: StreamPlan,
): AsyncGenerator<StoredRow, void, undefined> {
  const { names } = definition;
  for (let rest = condition; ;) {
    const rows = await selectRows(db, definition, { condition: rest, order, limit: chunkSize, names });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < chunkSize) return;
    rest = allOf([condition, keysetCondition(order, gapBeside(last, order, 'after'), 'after')]);
  }
}

function gapBeside(row: StoredRow, order: Order, side: Gap['side']): Gap {
  return { values: order.map(({ column }) => row[column.name]), side };
}

function existsExpression(table: string, condition: Condition): AliasableExpression<SqlBool> {
  return sql<SqlBool>`exists (select 1 from ${sql.table(table)} where ${condition})`;
}
