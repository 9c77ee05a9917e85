import type { ColumnName } from '../query/column.ts';
import type { OperatorName } from '../query/comparison.ts';

/** What may be asked of a column from outside, and what its values are: numbers may come as text. */
export interface FilterRule {
  /** Of which kind the values are. */
  readonly kind: 'text' | 'uuid' | 'integer' | 'real';
  /** The operators that may be asked for; a value without an operator means `eq`. */
  readonly operators: readonly OperatorName[];
}

/**
 * What a list may be asked for from outside. What is not named here is closed: it can be neither read, sorted nor
 * filtered by. Sort by nothing that the reader must not see: a cursor holds the values of the sorted columns.
 *
 * @typeParam Row the table's interface
 * @typeParam Select the columns that may be read; say them, so that the rows have the right type
 * @typeParam Columns the columns that may be sorted and filtered by; say them where the table has JSON columns
 */
export interface ListRules<
  Row,
  Select extends ColumnName<Row> = never,
  Columns extends ColumnName<Row> = ColumnName<Row>,
> {
  /** The columns that may be sorted by; none by default. */
  readonly sort?: readonly Columns[];
  /** The columns that may be read; all of these where the caller names none. */
  readonly select?: readonly Select[];
  /** The columns that may be filtered by; none by default. */
  readonly filter?: { readonly [Name in Columns]?: FilterRule };
  /** How many rows may be asked for, from 1 to 1,000; 100 by default. */
  readonly maxLimit?: number;
  /** How many come where the caller does not say; 50 by default, or `maxLimit` where that is less. */
  readonly defaultLimit?: number;
}
