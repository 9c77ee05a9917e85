import { sql } from 'kysely';
import type { Column } from '../query/column.ts';
import { allOf } from '../query/condition.ts';
import { slot } from '../query/statement-template.ts';
import { equalColumns } from './key-condition.ts';
import type { ReadContext } from './plan-read.ts';
import type { RowTarget } from './row-target.ts';
import type { RunShape, StoredRow } from './stored-row.ts';

/** What is to follow a lock. */
type Intent = 'update' | 'delete';

/**
 * Reads the row that has certain values in some columns, of which no two rows have the same, and keeps others from
 * changing it until the transaction ends.
 */
export async function lockRow(
  run: RunShape,
  { definition, vocabulary }: ReadContext,
  columns: readonly Column[],
  values: readonly unknown[],
  intent: Intent,
): Promise<StoredRow | undefined> {
  const { table, names } = definition;
  const { rows } = await run({
    key: `lock ${intent} ${columns.map(({ name }) => name).join('\0')}`,
    values,
    build: (db) =>
      db
        .selectFrom(table)
        .select([...names])
        .where(allOf(equalColumns(columns, 0)))
        .modifyEnd(vocabulary.lockRows(intent)),
  });
  return rows[0];
}

/** The same for the row of a target: undefined where it is gone or at another version. */
export function lockTarget(
  run: RunShape,
  context: ReadContext,
  { key, version }: RowTarget,
  intent: Intent,
): Promise<StoredRow | undefined> {
  const { definition } = context;
  return version === undefined || definition.version === undefined
    ? lockRow(run, context, definition.key, key, intent)
    : lockRow(run, context, [...definition.key, definition.version], [...key, version], intent);
}

/**
 * Reads all rows that have one of some combinations of values in some columns, and keeps others from changing them. One
 * statement reads those that differ in one column alone, be they of a key with a tenant in front.
 *
 * @param combinations without NULL, which nothing equals
 */
export async function lockRowsWith(
  run: RunShape,
  context: ReadContext,
  columns: readonly Column[],
  combinations: readonly (readonly (string | number)[])[],
  intent: Intent,
): Promise<StoredRow[]> {
  const listed = mostVaried(combinations, columns.length);
  const others = columns.filter((_, place) => place !== listed);
  const groups = Map.groupBy(combinations, (values) => JSON.stringify(values.toSpliced(listed, 1)));
  const rows: StoredRow[] = [];
  for (const group of groups.values()) {
    const fixed = group[0]!.toSpliced(listed, 1);
    const list = group.map((values) => values[listed]!);
    rows.push(...(await lockListed(run, context, columns[listed]!, list, others, fixed, intent)));
  }
  return rows;
}

async function lockListed(
  run: RunShape,
  { definition, vocabulary }: ReadContext,
  { name, kind }: Column,
  values: readonly (string | number)[],
  others: readonly Column[],
  fixed: readonly (string | number)[],
  intent: Intent,
): Promise<StoredRow[]> {
  const { table, names } = definition;
  const parameters = vocabulary.listParameters(values, kind);
  const { rows } = await run({
    key: `lock ${intent} with ${[name, ...others.map((other) => other.name)].join('\0')} ${parameters.length}`,
    values: [...parameters, ...fixed],
    build(db) {
      const list = parameters.map((_, index) => slot(index));
      return db
        .selectFrom(table)
        .select([...names])
        .where(allOf([vocabulary.isIn(sql.ref(name), list, kind), ...equalColumns(others, list.length)]))
        .modifyEnd(vocabulary.lockRows(intent));
    },
  });
  return rows;
}

/** The place at which the combinations have the most values. */
function mostVaried(combinations: readonly (readonly unknown[])[], width: number): number {
  let place = 0;
  let most = 0;
  for (let at = 0; at < width; at += 1) {
    const { size } = new Set(combinations.map((values) => values[at]));
    if (size > most) [place, most] = [at, size];
  }
  return place;
}
