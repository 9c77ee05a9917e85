import { sql, type SqlBool } from 'kysely';
import type { Column } from '../query/column.ts';
import { bindValue } from '../query/column-value.ts';
import { allOf, type Condition } from '../query/condition.ts';
import { slot } from '../query/statement-template.ts';
import type { TableDefinition } from './table-definition.ts';

/**
 * The condition of the one row that has a key.
 *
 * @param firstSlot the slot of the key's first value; the others follow
 */
export function keyCondition({ key }: TableDefinition, firstSlot: number): Condition {
  return allOf(equalColumns(key, firstSlot));
}

/**
 * The conditions of the rows that have certain values in some columns.
 *
 * @param firstSlot the slot of the first column's value; the others follow
 */
export function equalColumns(columns: readonly Column[], firstSlot: number): Condition[] {
  return columns.map(
    ({ name, kind }, index) => sql<SqlBool>`${sql.ref(name)} = ${bindValue(slot(firstSlot + index), kind)}`,
  );
}

/**
 * The conditions of the rows that are as one was read: NULL is the same as NULL.
 *
 * @param firstSlot the slot of the first column's value; the others follow
 */
export function sameColumns(columns: readonly Column[], firstSlot: number): Condition[] {
  return columns.map(({ name, kind }, index) => {
    // Rows hold the text of a JSON value, which can be compared where the value cannot.
    const stored = kind === 'json' ? sql`cast(${sql.ref(name)} as text)` : sql.ref(name);
    return sql<SqlBool>`${stored} is not distinct from ${slot(firstSlot + index)}`;
  });
}
