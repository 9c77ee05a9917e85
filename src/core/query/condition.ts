import { sql, type Expression, type SqlBool } from 'kysely';

/**
 * Conditions joined so that they answer true or not, never "unknown": what is unknown counts as not true,
 * and `notTrue` is the exact complement. Engines and an in-memory model agree on that.
 */
export type Condition = Expression<SqlBool>;

/** Holds for every row. */
export const everything: Condition = sql<SqlBool>`true`;

/** Holds for no row. */
export const nothing: Condition = sql<SqlBool>`false`;

/** Holds where each of the conditions does; for every row where there is none. */
export function allOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 0
    ? everything
    : join(conditions, (left, right) => sql<SqlBool>`(${left} and ${right})`);
}

/** Holds where one of the conditions does; for no row where there is none. */
export function anyOf(conditions: readonly Condition[]): Condition {
  return conditions.length === 0
    ? nothing
    : join(conditions, (left, right) => sql<SqlBool>`(${left} or ${right})`);
}

/** Holds where a condition does not, be it false or unknown. */
export function notTrue(condition: Condition): Condition {
  return sql<SqlBool>`((${condition}) is not true)`;
}

// By halves: a chain of a thousand would reach the depth at which SQLite gives up (SQLITE_MAX_EXPR_DEPTH).
function join(
  conditions: readonly Condition[],
  pair: (left: Condition, right: Condition) => Condition,
): Condition {
  if (conditions.length === 1) return conditions[0]!;
  const half = conditions.length >> 1;
  return pair(join(conditions.slice(0, half), pair), join(conditions.slice(half), pair));
}
