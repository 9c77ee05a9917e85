import type { Selectable } from 'kysely';
import type { JsonFilter } from './json-filter.ts';
import type { Operators } from './operators.ts';

/**
 * Which rows are meant: conditions by column name, all of which must hold. A plain value means `eq`, `null`
 * means `isNull`. An empty filter means every row.
 *
 * A condition holds or does not; NULL is a value like others, so `ne` and `not` are exact complements of
 * `eq` and of what they negate. Texts compare by their bytes.
 *
 * @typeParam Row the table's interface
 * @typeParam JsonShapes the shapes of JSON columns by name, for conditions on paths inside of them
 * @example
 * const filter: Filter<UsersTable> = {
 *   email: 'a@example.org',
 *   created_at: { gte: 1, lt: 9 },
 *   display_name: { isNull: true },
 *   or: [{ version: { in: [1, 2] } }, { not: { email: { like: '%.org' } } }],
 * };
 */
export type Filter<Row, JsonShapes = unknown> = {
  readonly [Name in keyof Selectable<Row> & string]?: Name extends keyof JsonShapes
    ? JsonFilter<JsonShapes[Name]>
    : ValueFilter<Selectable<Row>[Name]>;
} & {
  /** Holds where each one does; for every row where the list is empty. */
  readonly and?: readonly Filter<Row, JsonShapes>[];
  /** Holds where one does; for no row where the list is empty. */
  readonly or?: readonly Filter<Row, JsonShapes>[];
  /** Holds where the filter does not. */
  readonly not?: Filter<Row, JsonShapes>;
};

/** What may be asked of one column: a value, which it must equal, or operators, all of which must hold. */
export type ValueFilter<Value> = Value | Operators<Value>;
