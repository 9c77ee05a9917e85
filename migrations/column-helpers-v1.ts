import type { Kysely, RawBuilder, SqlBool } from 'kysely';

/**
 * What a migration expects of its `t`, version 1, as it was when these migrations were written. It is
 * frozen: a helper that must change gets a second version beside this one. The runner passes in whatever
 * fits this shape.
 */
export interface ColumnHelpersV1 {
  readonly version: 1;
  /** Makes a table with its constraints and indexes. */
  createTable(
    db: Kysely<unknown>,
    name: string,
    columns: (c: ColumnKindsV1) => ColumnsV1,
    terms?: TableTermsV1,
  ): Promise<void>;
  /** Makes a table for full-text search of which each row belongs to one row of `ownerTable`. */
  createFullTextTable(
    db: Kysely<unknown>,
    options: { readonly name: string; readonly owner: string; readonly ownerTable: string },
  ): Promise<void>;
  /** Drops what `createFullTextTable` made. */
  dropFullTextTable(db: Kysely<unknown>, name: string): Promise<void>;
}

/** A column that one of `ColumnKindsV1` has made. */
export interface ColumnV1 {
  readonly type: { readonly kind: string };
  readonly nullable: boolean;
}

/** The columns of a table by their names, in their order. */
export type ColumnsV1 = Readonly<Record<string, ColumnV1>>;

/** The kinds of columns. Each is NOT NULL unless `nullable` says otherwise. */
export interface ColumnKindsV1 {
  /** A UUID that is the primary key. */
  id(): ColumnV1;
  /** A UUID in lower case. */
  uuid(): ColumnV1;
  /** Text, compared by its bytes. */
  text(): ColumnV1;
  /** Text out of a closed set. */
  enumText(values: readonly string[]): ColumnV1;
  /** A whole number up to 2^53 − 1. */
  integer(): ColumnV1;
  /** A whole number from `min` to 2,147,483,647. */
  counter(min: 0 | 1): ColumnV1;
  /** The version of a row, from 1. */
  version(): ColumnV1;
  /** A time in ms since the Unix epoch. */
  epochMillis(): ColumnV1;
  /** Any JSON value, as text in rows. */
  json(): ColumnV1;
  /** Refers to the `id` of another table, a UUID. It gets an index, where no other one begins with it. */
  references(table: string, options?: { readonly onDelete?: 'cascade' }): ColumnV1;
  /** The same column, but NULL is allowed. */
  nullable(column: ColumnV1): ColumnV1;
}

/** The columns of a key, and its name where the usual one does not fit. */
export type KeyV1 = readonly string[] | { readonly columns: readonly string[]; readonly name?: string };

/** The columns of an index, its name where the usual one does not fit, and which rows it holds. */
export type IndexV1 =
  | readonly string[]
  | {
      readonly columns: readonly string[];
      readonly name?: string;
      readonly unique?: boolean;
      readonly where?: RawBuilder<SqlBool>;
    };

/** What holds for a table beyond its columns. */
export interface TableTermsV1 {
  /** Named `<table>_pkey` by default. */
  readonly primaryKey?: KeyV1;
  /** Each is named `<table>_<columns>_unique` by default. */
  readonly unique?: readonly KeyV1[];
  /** CHECKs by what goes into their names: `<table>_<key>_check`. */
  readonly checks?: Readonly<Record<string, RawBuilder<SqlBool>>>;
  /** Each is named `<table>_<columns>_index` by default. */
  readonly indexes?: readonly IndexV1[];
}
