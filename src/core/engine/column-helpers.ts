import type { Kysely, RawBuilder } from 'kysely';
import type { AppendOnlyTerms } from './append-only-terms.ts';
import type { ChainColumns } from './chain-columns.ts';
import type { ColumnContraction, ExpandedColumn, NewColumnExpansion } from './column-expansion.ts';
import type { ColumnKinds, PortableColumn } from './portable-column.ts';
import type { DefineColumns, PortableIndex, PortableTableTerms } from './portable-table.ts';
import type { RebuildTerms } from './rebuild-terms.ts';

/**
 * Column types and table parts that are right on each engine, version 1. Migrations receive them as `t`,
 * so that one migration text serves every engine and history does not move when the library does.
 */
export interface ColumnHelpers {
  /** A helper that must change gets a second version beside this one. */
  readonly version: 1;
  /**
   * Makes a table with its constraints and indexes, the same on every engine.
   *
   * It checks all that it is told before it asks the database: names have letters, digits and `_`, and at most 63
   * bytes with all that is made of them; there is one primary key; every column named is one of the table. Each
   * foreign key gets an index, unless a key or an index begins with its columns. Text is compared by its bytes.
   *
   * @param db of the migration
   * @param name of the table
   * @param columns names its columns in their order; NOT NULL unless `nullable`
   * @param terms keys, CHECKs and indexes beyond them
   * @throws ValidationError that lists every fault; and what the database says of the statements
   * @example
   * await t.createTable(
   *   db,
   *   'notes',
   *   (c) => ({
   *     id: c.id(),
   *     owner_id: c.references('users', { onDelete: 'cascade' }),
   *     title: c.text(),
   *     pinned_at: c.nullable(c.epochMillis()),
   *     version: c.version(),
   *   }),
   *   { unique: [['owner_id', 'title']], indexes: [['pinned_at']] },
   * );
   */
  createTable(
    db: Kysely<any>,
    name: string,
    columns: DefineColumns,
    terms?: PortableTableTerms,
  ): Promise<void>;
  /**
   * Adds one column to a table, and its index where it refers to another one. One that is NOT NULL needs a default,
   * for the rows that are there.
   *
   * @throws ValidationError that lists every fault
   * @example
   * await t.addColumn(db, 'notes', 'color', (c) => c.nullable(c.enumText(['red', 'blue'])));
   */
  addColumn(
    db: Kysely<any>,
    table: string,
    column: string,
    define: (c: ColumnKinds) => PortableColumn,
  ): Promise<void>;
  /**
   * Makes an index on columns and on places inside of JSON columns, which filters with a `path` then use.
   *
   * @throws ValidationError that lists every fault
   * @example
   * await t.createIndex(db, 'notes', [{ column: 'metadata', path: ['author', 'name'], as: 'string' }]);
   */
  createIndex(db: Kysely<any>, table: string, index: PortableIndex): Promise<void>;
  /**
   * Makes an index where there is none of its name, without keeping writers from the table, in a migration that
   * declares `transaction: false`. One of that name that a failed run has left unusable is dropped first. SQLite has
   * one writer at a time, so there it is an index like any other. To be run again it does nothing.
   *
   * @throws ValidationError where `db` is a transaction, another table has an index of the name, or it has faults
   * @example
   * await t.createIndexConcurrently(db, 'notes', ['title']);
   */
  createIndexConcurrently(db: Kysely<any>, table: string, index: PortableIndex): Promise<void>;
  /**
   * Makes a table anew with other columns and terms and keeps its rows, for what SQLite's ALTER TABLE cannot do. The
   * migration declares `foreignKeys: 'off'`, so that no row of a table that refers to it is deleted.
   *
   * On SQLite it makes the new table, copies the rows, compares both by their rows and values, drops the old table,
   * gives the new one its name, and makes the table's indexes, triggers and views again as they were. At the end
   * every foreign key must hold, and every view and trigger must fit. Where anything is amiss it throws, and all of
   * it is rolled back. Where the engine can alter a table in place, as Postgres, it runs `alter` instead and then
   * compares the columns of the table with those that were named.
   *
   * @param db the transaction of the migration
   * @param name of the table
   * @param columns as for `createTable`; or what stands behind the new table's name in SQLite's own words, for what
   *   has no helper, such as AUTOINCREMENT, WITHOUT ROWID or generated columns
   * @param terms as for `createTable`, and where the values come from, what goes, and how to alter in place
   * @throws ValidationError where foreign keys are on, `db` is no transaction, there is no such table, a column has no
   *   source, one would be lost without a word, a value, index, trigger or view does not fit the new table, or a row
   *   refers to nothing at the end; and what the database says of the copy, such as CheckViolationError
   * @example
   * await t.rebuildTable(db, 'notes', (c) => ({ id: c.id(), title: c.nullable(c.text()), version: c.version() }), {
   *   drop: { columns: ['color'] },
   *   alter: () => sql`alter table notes alter column title drop not null, drop column color`.execute(db),
   * });
   */
  rebuildTable(
    db: Kysely<any>,
    name: string,
    columns: DefineColumns | RawBuilder<unknown>,
    terms?: RebuildTerms,
  ): Promise<void>;
  /**
   * Begins the rename of a column, or the change of its type, while old and new programs run together. It adds the
   * new column, nullable, and triggers that keep both in step: whichever of them a statement writes, the other one
   * follows in the same statement. It does not fill the rows that are there; `backfill` does, behind the migration.
   *
   * Where a statement changes both columns, the new one decides. A column that agrees already, either way, is left
   * as it is, so a conversion that loses something does not wear the values down. Where the old column is NOT NULL,
   * a new program need not write it, and neither side can make it NULL.
   *
   * @param db of the migration
   * @param expansion `table`, `from`, `to`, the new `column`, and for a change of type `forward` and `backward`
   * @throws ValidationError with every fault: no such table or column, a column of the primary key, a new column
   *   that is there already or has a default, an expression with parameters
   * @example
   * await t.expandColumn(db, { table: 'users', from: 'name', to: 'full_name', column: (c) => c.text() });
   */
  expandColumn(db: Kysely<any>, expansion: NewColumnExpansion): Promise<void>;
  /**
   * Takes `expandColumn` back: drops the triggers and the new column. The old one has every write of either side.
   *
   * @throws ValidationError where there is no such table; and what the database says of the statements
   * @example
   * await t.abandonExpansion(db, { table: 'users', from: 'name', to: 'full_name' });
   */
  abandonExpansion(db: Kysely<any>, expansion: ExpandedColumn): Promise<void>;
  /**
   * Ends what `expandColumn` began, once no old program runs: drops the triggers and the old column with its
   * indexes, and makes the new one NOT NULL where it is told to. It first looks whether every row agrees.
   *
   * In a migration that declares `transaction: false`, NOT NULL is proved on Postgres while others write, and only
   * an instant is needed alone; inside of a transaction the table is read while nobody else may touch it. Run again
   * after it was stopped, it goes on.
   *
   * @param db of the migration
   * @param contraction the expansion as it was, without `column`; `notNull` for the new column
   * @throws ColumnsOutOfStepError where a row does not agree, such as before the backfill; nothing is dropped then
   * @throws ValidationError where there is no such table or a name or an expression has a fault; and what the
   *   database says, such as where a view or a table's constraint needs the old column
   * @example
   * await t.contractColumn(db, { table: 'users', from: 'name', to: 'full_name', notNull: true });
   */
  contractColumn(db: Kysely<any>, contraction: ColumnContraction): Promise<void>;
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
  /**
   * Makes a table of one row, `state` and `until`, that a transaction puts in (`'on'`, `'off'`) to be allowed what
   * `makeAppendOnly` refuses, and takes out again: a COMMIT with the row in it is refused. Whoever may write to the
   * table may throw the switch.
   *
   * @param db of the migration
   * @param name of the table
   */
  createSwitchTable(db: Kysely<any>, name: string): Promise<void>;
  /**
   * Lets the database itself refuse UPDATE, DELETE, TRUNCATE and REPLACE of a table's rows, by triggers. Whoever owns
   * the table can drop them.
   *
   * @param db of the migration
   * @param table its name
   * @param terms what is allowed while a switch is thrown; nothing by default
   * @throws ValidationError where there is no such table
   * @example
   * await t.makeAppendOnly(db, 'ledger');
   */
  makeAppendOnly(db: Kysely<any>, table: string, terms?: AppendOnlyTerms): Promise<void>;
  /** Takes `makeAppendOnly` back. */
  dropAppendOnly(db: Kysely<any>, table: string): Promise<void>;
  /**
   * Makes what `lockAndReadChains` calls: one statement then locks chains of rows and reads the last row of each. It
   * makes nothing where writers come one by one.
   *
   * @param db of the migration
   * @param name of what it makes
   * @param chains where the rows are
   * @throws ValidationError where there is no such table
   */
  createChainReader(db: Kysely<any>, name: string, chains: ChainColumns): Promise<void>;
  /** Takes `createChainReader` back. */
  dropChainReader(db: Kysely<any>, name: string, table: string): Promise<void>;
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
  /** A double, as JavaScript's numbers are. */
  real(column: string): RawBuilder<unknown>;
  /** Bytes. */
  blob(column: string): RawBuilder<unknown>;
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
