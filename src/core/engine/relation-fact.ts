/**
 * What a write to one table may change beside it: one fact a row. Names are as the database has them, without their
 * schema.
 *
 * - `table`: there is such a table; `other` is null.
 * - `reference`: rows of `other` refer to rows of the table, and go with them.
 * - `kin`: rows of the one table are found in the other as well, or may lie there: inheritance and partitions.
 * - `trigger`: what a write does beside it, nobody can say: a trigger, a rule, or a view that is written through.
 * - `replacing`: an insert or update may delete rows that are in its way, without a word in the statement.
 * - `computed`: some columns follow from others, so that a statement does not name all that it sets.
 * - `blurred`: its rows cannot be told by the values of a column, since different texts may be one value there: by its collation,
 *   or by a type such as a time or an address. By those of no column, where the names of two differ by case alone.
 */
export interface RelationFact {
  readonly kind: 'table' | 'reference' | 'kin' | 'trigger' | 'replacing' | 'computed' | 'blurred';
  /** Which table is written. */
  readonly subject: string;
  /** Which table is changed with it. */
  readonly other: string | null;
  /**
   * The column of the table that is referred to, or is blurred; null where it is not known, or where it is all of them. Several
   * columns are several facts.
   */
  readonly referred: string | null;
  /** 1 where a delete of the row that is referred to changes the rows that refer to it, else 0. */
  readonly follows_delete: number;
  /** The same for an update of the column that is referred to. */
  readonly follows_update: number;
}
