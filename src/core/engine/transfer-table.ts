/** What a copy knows of a table, in words that all engines share. */

/** What a column holds, as far as moving its values to another engine needs to know. `other` travels as text. */
export type TransferKind = 'text' | 'uuid' | 'integer' | 'real' | 'boolean' | 'json' | 'blob' | 'other';

/** A value on its way. A bigint is an integer that a number would round; a text may hold anything. */
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
}

/** A foreign key. */
export interface TransferReference {
  /** The columns that refer. */
  readonly columns: readonly string[];
  /** The table that they refer to. */
  readonly parent: string;
  /** The columns that they refer to, in the same order. */
  readonly parentColumns: readonly string[];
}

/** A table of an application: none of the library's own records, no view, and no index that looks like a table. */
export interface TransferTable {
  /** Its name. */
  readonly name: string;
  /** The columns whose values travel. */
  readonly columns: readonly TransferColumn[];
  /** The primary key; empty where there is none. */
  readonly key: readonly string[];
  /** Its foreign keys. */
  readonly references: readonly TransferReference[];
}
