import type { Kysely, RawBuilder } from 'kysely';

/**
 * What a migration expects of its `t`, version 1, as it was when these migrations were written. It is
 * frozen: a helper that must change gets a second version beside this one. The runner passes in whatever
 * fits this shape.
 */
export interface ColumnHelpersV1 {
  readonly version: 1;
  /** Column types of a table, by its name. */
  table(name: string): TableHelpersV1;
  /** Makes a table for full-text search of which each row belongs to one row of `ownerTable`. */
  createFullTextTable(
    db: Kysely<unknown>,
    options: { readonly name: string; readonly owner: string; readonly ownerTable: string },
  ): Promise<void>;
  /** Drops what `createFullTextTable` made. */
  dropFullTextTable(db: Kysely<unknown>, name: string): Promise<void>;
}

/** Column types for one table; each takes the column's name. */
export interface TableHelpersV1 {
  /** A UUID in lower case. */
  uuid(column: string): RawBuilder<unknown>;
  /** Text, compared by its bytes. */
  text(column: string): RawBuilder<unknown>;
  /** Text out of a closed set. */
  enumText(column: string, values: readonly string[]): RawBuilder<unknown>;
  /** A whole number up to 2^53 − 1. */
  integer(column: string): RawBuilder<unknown>;
  /** A whole number from `min` to 2,147,483,647. */
  counter(column: string, min: 0 | 1): RawBuilder<unknown>;
  /** A time in ms since the Unix epoch. */
  epochMillis(column: string): RawBuilder<unknown>;
  /** Any JSON value, as text in rows. */
  json(column: string): RawBuilder<unknown>;
  /** Goes behind the table's columns by `modifyEnd`. */
  readonly end: RawBuilder<unknown>;
}
