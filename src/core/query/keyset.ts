import { sql, type RawBuilder, type SqlBool } from 'kysely';
import { bindValue } from './column-value.ts';
import { addValue, type ConditionShape, type ShapeContext } from './condition-shape.ts';
import { isNull } from './comparison.ts';
import { allOf, anyOf, everything, nothing, type Condition } from './condition.ts';
import { orderKey, type Order, type ResolvedTerm } from './order.ts';

/**
 * A place between two rows of an ordered list: directly before or directly after the row that has, or
 * had, these values. It stays a place when that row is gone.
 */
export interface Gap {
  /** A value, or a slot for it, for each term of the order; null where the row has none. */
  readonly values: readonly unknown[];
  /** On which side of the row the gap lies. */
  readonly side: 'before' | 'after';
}

/**
 * The condition of the rows that lie behind or ahead of a gap (keyset pagination): the database goes to the
 * place by an index instead of counting rows off.
 *
 * @internal exported for its test
 * @param order a total order
 * @param gap the place, with values as `valueRules` normalised them
 * @param direction whether the rows after the gap or those before it are meant
 */
export function keysetCondition(order: Order, gap: Gap, direction: 'after' | 'before'): Condition {
  const orEqual = gap.side !== direction;
  const [first] = order;
  if (first === undefined) return everything;
  if (order.every(({ column, descending }) => !column.nullable && descending === first.descending)) {
    return rowCondition(order, gap.values, signOf(first, direction, orEqual));
  }
  const places = order.map((term, index) => placeOf(term, gap.values[index], direction));
  // The bound on the first column follows from the rest; planners do not see it and would read the whole index.
  return allOf([places[0]!.atOrBeyond, beyond(places, orEqual)]);
}

/**
 * The same without its values, to be made in either direction.
 *
 * @param gap the place, with values as `valueRules` normalised them
 * @param context receives the values
 */
export function keysetShape(
  order: Order,
  gap: Gap,
  context: Pick<ShapeContext, 'values'>,
): (direction: 'after' | 'before') => ConditionShape {
  const slots = gap.values.map((value) => (value === null ? null : addValue(context, value)));
  let nulls = '';
  for (const slot of slots) nulls += slot === null ? '0' : '1';
  return (direction) => ({
    key: `${direction} ${gap.side} ${nulls}${orderKey(order)}`,
    make: () => {
      const values = slots.map((slot) => (slot === null ? null : slot()));
      return keysetCondition(order, { values, side: gap.side }, direction);
    },
  });
}

function rowCondition(order: Order, values: readonly unknown[], sign: RawBuilder<unknown>): Condition {
  const bound = order.map(({ column }, index) => bindValue(values[index], column.kind));
  const names = order.map(({ column }) => sql.ref(column.name));
  if (order.length === 1) return sql<SqlBool>`${names[0]} ${sign} ${bound[0]}`;
  return sql<SqlBool>`(${sql.join(names)}) ${sign} (${sql.join(bound)})`;
}

interface Place {
  readonly beyond: Condition;
  readonly equal: Condition;
  readonly atOrBeyond: Condition;
}

function placeOf(term: ResolvedTerm, value: unknown, direction: 'after' | 'before'): Place {
  const { column } = term;
  const name = sql.ref(column.name);
  const isLast = isNull(name);
  if (value === null) {
    // NULLs come last: nothing lies behind them, everything else ahead.
    return direction === 'after'
      ? { beyond: nothing, equal: isLast, atOrBeyond: isLast }
      : { beyond: isNull(name, false), equal: isLast, atOrBeyond: everything };
  }
  const bound = bindValue(value, column.kind);
  const orNull = (condition: Condition) =>
    column.nullable && direction === 'after' ? anyOf([condition, isLast]) : condition;
  return {
    beyond: orNull(sql<SqlBool>`${name} ${signOf(term, direction, false)} ${bound}`),
    equal: sql<SqlBool>`${name} = ${bound}`,
    atOrBeyond: orNull(sql<SqlBool>`${name} ${signOf(term, direction, true)} ${bound}`),
  };
}

// Beyond in the first column, or equal there and beyond in the rest.
function beyond(places: readonly Place[], orEqual: boolean): Condition {
  const [first, ...rest] = places;
  if (first === undefined) return orEqual ? everything : nothing;
  if (rest.length === 0) return orEqual ? first.atOrBeyond : first.beyond;
  return anyOf([first.beyond, allOf([first.equal, beyond(rest, orEqual)])]);
}

function signOf(
  { descending }: ResolvedTerm,
  direction: 'after' | 'before',
  orEqual: boolean,
): RawBuilder<unknown> {
  if ((direction === 'after') !== descending) return orEqual ? sql`>=` : sql`>`;
  return orEqual ? sql`<=` : sql`<`;
}
