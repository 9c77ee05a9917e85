import { sql, type AliasableExpression, type SqlBool } from 'kysely';
import type { Cursor } from '../domain/page.ts';
import { allOf } from '../query/condition.ts';
import { allShapes, type ConditionShape } from '../query/condition-shape.ts';
import { encodeCursor } from '../query/cursor.ts';
import { keysetShape, type Gap } from '../query/keyset.ts';
import { orderExpressions, orderKey, type Order } from '../query/order.ts';
import { slot } from '../query/statement-template.ts';
import { keyCondition } from './key-condition.ts';
import type { FilterPlan, FindPlan, PagePlan, StreamPlan } from './plan-read.ts';
import type { RunShape, StoredRow } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/** The rows of a page, in the order that was asked for, and the cursors at its ends. */
export interface RowPage {
  readonly rows: readonly StoredRow[];
  readonly nextCursor: Cursor | undefined;
  readonly previousCursor: Cursor | undefined;
}

// Names the column that says whether there are rows on the other side of a page's cursor.
const behindName = 'liminal_rows_behind';

/** Reads the row that has a key. */
export async function selectByKey(
  run: RunShape,
  definition: TableDefinition,
  key: readonly unknown[],
): Promise<StoredRow | undefined> {
  const { table, names } = definition;
  const { rows } = await run({
    key: 'by key',
    values: key,
    build: (db) =>
      db
        .selectFrom(table)
        .select([...names])
        .where(keyCondition(definition, 0)),
  });
  return rows[0];
}

/** Reads the rows of a plan. */
export async function selectRows(
  run: RunShape,
  { table, names: allNames }: TableDefinition,
  { condition, values, order, limit, names }: FindPlan,
): Promise<StoredRow[]> {
  if (limit === 0) return [];
  const isLimited = limit !== undefined;
  const selection = names === allNames ? '*' : names.join('\0');
  const { rows } = await run({
    key: `find ${isLimited} ${orderKey(order)} ${condition.key} ${selection}`,
    values: isLimited ? [...values, limit] : values,
    build(db) {
      let query = db
        .selectFrom(table)
        .select([...names])
        .where(condition.make());
      for (const term of orderExpressions(order)) query = query.orderBy(term);
      return isLimited ? query.limit(slot<number>(values.length)) : query;
    },
  });
  return rows;
}

/** Whether a row fulfils a condition. */
export async function existsRow(
  run: RunShape,
  { table }: TableDefinition,
  { condition, values }: FilterPlan,
): Promise<boolean> {
  const { rows } = await run({
    key: `exists ${condition.key}`,
    values,
    build: (db) =>
      db
        .selectFrom(table)
        .select(sql`1`.as('found'))
        .where(condition.make())
        .limit(1),
  });
  return rows.length > 0;
}

/** Counts the rows that fulfil a condition. */
export async function countRows(
  run: RunShape,
  { table }: TableDefinition,
  { condition, values }: FilterPlan,
): Promise<number> {
  const { rows } = await run({
    key: `count ${condition.key}`,
    values,
    build: (db) =>
      db
        .selectFrom(table)
        .select(sql<number>`count(*)`.as('count'))
        .where(condition.make()),
  });
  return Number(rows[0]?.['count'] ?? 0);
}

/**
 * Reads one page by one statement: one row more than the page has, to know whether others follow, and
 * whether there is a row on the other side of the cursor.
 */
export async function selectPage(
  run: RunShape,
  definition: TableDefinition,
  plan: PagePlan,
): Promise<RowPage> {
  const { condition, order, limit, gap, direction } = plan;
  if (limit === 0) return { rows: [], nextCursor: undefined, previousCursor: undefined };
  const { table, names } = definition;
  const backward = direction === 'before';
  const values = [...plan.values];
  const toGap = gap && keysetShape(order, gap, { values });
  const ahead = toGap === undefined ? condition : allShapes([condition, toGap(direction)]);
  const behind = toGap && allShapes([condition, toGap(backward ? 'after' : 'before')]);
  const limitSlot = values.push(limit + 1) - 1;

  const result = await run({
    key: `page ${direction} ${behind !== undefined} ${orderKey(order)} ${ahead.key}`,
    values,
    build(db) {
      let query = db
        .selectFrom(table)
        .select([...names])
        .where(ahead.make())
        .limit(slot<number>(limitSlot));
      for (const term of orderExpressions(order, backward)) query = query.orderBy(term);
      if (behind === undefined) return query;
      return query.select(anyRow(table, behind, order, !backward).as(behindName));
    },
  });
  const found = result.rows;

  let hasBehind = Boolean(found[0]?.[behindName]);
  if (behind !== undefined && found.length === 0) {
    hasBehind = await existsRow(run, definition, { condition: behind, values });
  }
  if (behind !== undefined) found.forEach(dropBehind);
  const rows = found.length > limit ? found.slice(0, limit) : found;
  if (backward) rows.reverse();
  const [first] = rows;
  const last = rows.at(-1);
  const hasMore = found.length > limit;

  const cursorAt = (side: Gap['side'], row: StoredRow | undefined): Cursor =>
    encodeCursor(table, order, row === undefined ? gap! : gapBeside(row, order, side));
  return {
    rows,
    nextCursor: (backward ? hasBehind : hasMore) ? cursorAt('after', last) : undefined,
    previousCursor: (backward ? hasMore : hasBehind) ? cursorAt('before', first) : undefined,
  };
}

/** Reads rows in chunks, each by a statement of its own that goes on behind the last row of the one before. */
export async function* streamRows(
  run: RunShape,
  definition: TableDefinition,
  { condition, values, order, chunkSize }: StreamPlan,
): AsyncGenerator<StoredRow, void, undefined> {
  const { names } = definition;
  let chunk: FindPlan = { condition, values, order, limit: chunkSize, names };
  for (;;) {
    const rows = await selectRows(run, definition, chunk);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < chunkSize) return;
    const restValues = [...values];
    const toGap = keysetShape(order, gapBeside(last, order, 'after'), { values: restValues });
    chunk = { ...chunk, condition: allShapes([condition, toGap('after')]), values: restValues };
  }
}

function gapBeside(row: StoredRow, order: Order, side: Gap['side']): Gap {
  return { values: order.map(({ column }) => row[column.name]), side };
}

// Sorted and with a limit, as the page itself: planners take the index that gives the first row at once,
// where a plain EXISTS makes some of them read the whole table.
function anyRow(
  table: string,
  condition: ConditionShape,
  order: Order,
  backward: boolean,
): AliasableExpression<SqlBool> {
  const terms = sql.join(orderExpressions(order, backward));
  return sql<SqlBool>`(select 1 from ${sql.table(table)} where ${allOf([condition.make()])} order by ${terms} limit 1) is not null`;
}

// It is the last column, so that the row keeps its shape; copying every row would take longer than reading it.
function dropBehind(row: StoredRow): void {
  Reflect.deleteProperty(row, behindName);
}
