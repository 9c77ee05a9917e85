/** What a copy knows of a table, in words that all engines share. */

/**
 * What a column holds, as far as moving its values to another engine needs to know. `other` travels as text, and `any`
 * takes each value as it is, an integer and a double of the same size apart.
 */
export type TransferKind =
  'text' | 'uuid' | 'integer' | 'real' | 'decimal' | 'boolean' | 'json' | 'blob' | 'any' | 'other';

/**
 * A value on its way. A bigint is an integer that a number would round, or one out of a column of the kind `any`; a text
 * may hold anything.
 */
export type TransferCell = string | number | bigint | Buffer | null;

/** The values of a row, in the order of the columns that were asked for. */
export type TransferRow = readonly TransferCell[];

/** A column whose values travel. One that the database computes itself is none. */
export interface TransferColumn {
  /** Its name. */
  readonly name: string;
  /** What it holds. */
  readonly kind: TransferKind;
  /** Whether it may be NULL. */
  readonly nullable: boolean;
  /** The smallest and the largest integer that fit; undefined where any does. */
  readonly range: readonly [low: number, high: number] | undefined;
  /**
   * To what a number is rounded without a word: to a float of 32 or 64 bits, or to so many digits behind the point.
   * Undefined where it is held as it is.
   */
  readonly rounding: 'single' | 'double' | number | undefined;
}

/** A foreign key. */
export interface TransferReference {
  /** The columns that refer. */
  readonly columns: readonly string[];
  /** The table that they refer to. */
  readonly parent: string;
  /** The columns that they refer to, in the same order. */
  readonly parentColumns: readonly string[];
  /** Whether either all of its columns are NULL or none is, as by MATCH FULL. */
  readonly isWhole: boolean;
}

/** A table of an application: none of the library's own records, no view, and no index that looks like a table. */
export interface TransferTable {
  /** Its name. */
  readonly name: string;
  /** The columns whose values travel. */
  readonly columns: readonly TransferColumn[];
  /** The primary key; empty where there is none. */
  readonly key: readonly string[];
  /**
   * By what its rows are read a page at a time: what is never NULL, tells all rows apart, and is compared in the same way
   * behind being read. It need not be among the columns. Empty where there is nothing of the kind.
   */
  readonly walk: readonly Pick<TransferColumn, 'name' | 'kind'>[];
  /** Its foreign keys. */
  readonly references: readonly TransferReference[];
}
