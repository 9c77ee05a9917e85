import type { Kysely, RawBuilder } from 'kysely';
import type { Clock } from '../foundation/clock.ts';

/** How migrations run on an engine. */
export interface MigrationTraits {
  /** The column helpers, version 1, that a migration is given as `t`. */
  readonly columns: ColumnHelpers;
  /**
   * Names the schema in which a table that is made without one lies, so that a record of the same name in
   * another schema is not taken for this one. Absent where the engine has no schemas.
   *
   * @param db any handle of the database
   * @returns undefined where there is no schema to make tables in
   */
  currentSchema?(db: Kysely<unknown>): Promise<string | undefined>;
  /**
   * Makes the transaction of a step ready for its migration, such as by lifting the time limit of statements.
   * Absent where there is nothing to do.
   *
   * @param trx the transaction that holds the migration; what is set must end with it
   */
  beginStep?(trx: Kysely<any>): Promise<void>;
  /**
   * Runs work while no other process migrates the same set. The lock may lie in each step's own
   * transaction instead: on SQLite BEGIN IMMEDIATE is the lock, so this only calls the work.
   *
   * @param connection a Kysely that is pinned to one connection, on which all steps run
   * @param name of the migration set
   * @param options `timeout` in ms for the wait
   * @param work what runs under the lock
   * @returns what the work returns
   * @throws DatabaseBusyError when the lock is not granted in time; and whatever the work throws
   */
  withLock<Result>(
    connection: Kysely<unknown>,
    name: string,
    options: { readonly timeout: number; readonly clock: Clock },
    work: () => Promise<Result>,
  ): Promise<Result>;
}

/**
 * Column types and table parts that are right on each engine, version 1. Migrations receive them as `t`,
 * so that one migration text serves every engine and history does not move when the library does.
 */
export interface ColumnHelpers {
  /** A helper that must change gets a second version beside this one. */
  readonly version: 1;
  /** Column types of a table; its name goes into the names of the constraints. */
  table(name: string): TableHelpers;
  /**
   * Makes a full-text table named `name`: `id` (integer key), `owner` (uuid, unique, refers to
   * `ownerTable.id`, cascades), `tokens` (text: each token between spaces), `token_count` (integer), and
   * the index that `matchesAll` uses, which follows every insert, update and delete of the table by itself.
   */
  createFullTextTable(
    db: Kysely<unknown>,
    options: { readonly name: string; readonly owner: string; readonly ownerTable: string },
  ): Promise<void>;
  /** Drops what `createFullTextTable` made. */
  dropFullTextTable(db: Kysely<unknown>, name: string): Promise<void>;
}

/** Column types for one table; each takes the column's name. Types for `addColumn` of Kysely's builder. */
export interface TableHelpers {
  /** A UUID in lower case. */
  uuid(column: string): RawBuilder<unknown>;
  /** Text, compared by its bytes. */
  text(column: string): RawBuilder<unknown>;
  /** Text out of a closed set, held by a CHECK named `<table>_<column>_check`. */
  enumText(column: string, values: readonly string[]): RawBuilder<unknown>;
  /** A whole number up to 2^53 − 1. */
  integer(column: string): RawBuilder<unknown>;
  /**
   * A count or version: a whole number from `min` to 2,147,483,647. A CHECK named `<table>_<column>_check`
   * holds the range; where the column's type ends there, it holds `min` alone.
   */
  counter(column: string, min: 0 | 1): RawBuilder<unknown>;
  /** A time in ms since the Unix epoch. */
  epochMillis(column: string): RawBuilder<unknown>;
  /** Any JSON value; rows carry it as text. */
  json(column: string): RawBuilder<unknown>;
  /** Goes to `modifyEnd` of the table builder: what the engine wants behind the table's columns. */
  readonly end: RawBuilder<unknown>;
}
