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

/** Reads all rows that have one of some values in a column, and keeps others from changing them. */
export async function lockRowsWith(
  run: RunShape,
  { definition, vocabulary }: ReadContext,
  { name, kind }: Column,
  values: readonly (string | number)[],
  intent: Intent,
): Promise<StoredRow[]> {
  const { table, names } = definition;
  const parameters = vocabulary.listParameters(values, kind);
  const { rows } = await run({
    key: `lock ${intent} with ${name} ${parameters.length}`,
    values: parameters,
    build(db) {
      const list = parameters.map((_, index) => slot(index));
      return db
        .selectFrom(table)
        .select([...names])
        .where(vocabulary.isIn(sql.ref(name), list, kind))
        .modifyEnd(vocabulary.lockRows(intent));
    },
  });
  return rows;
}
