import type { Database, Statement } from 'better-sqlite3';
import type { QueryResult } from 'kysely';
import type { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import type { LoopMeter } from './loop-meter.ts';
import { closedError, givenUpError } from './sqlite-closed-error.ts';
import { openingPragmas, type SqliteRole } from './sqlite-settings.ts';
import { SqliteStatementCache } from './sqlite-statement-cache.ts';
import { providerValues, type SqliteValues } from './sqlite-values.ts';
import { asksForLastWrite, isPragma, switchesForeignKeys } from './statement-kind.ts';

type Row = Record<string, unknown>;
export type SqliteStatement = Statement<unknown[], Row>;

/** Statements kept a connection. A service has some hundreds of texts; each costs some KB. */
const keptStatements = 256;

/** Pages that a copy takes in one step: well below a millisecond. */
const pagesPerStep = 100;

/**
 * One connection to a database, with the statements that it keeps prepared. Every step is synchronous; it
 * knows no queue and no deadline. It throws the errors of SQLite, without values in them: whoever calls translates.
 */
export class SqliteDatabase {
  readonly #database: Database;
  readonly #values: SqliteValues;
  readonly #meter: LoopMeter | undefined;
  readonly #statements = new SqliteStatementCache<SqliteStatement>(keptStatements);
  readonly #iterators = new Set<Iterator<unknown>>();
  /** Why it is closed. Asked for with each statement, where asking the driver costs as much as preparing for it. */
  #closed: LiminalDataError | undefined;
  #dataVersion: Statement<unknown[], number> | undefined;
  #lastWrite: QueryResult<unknown> | undefined;
  /**
   * Whether SQLite has said that a transaction is open, and nothing has run since that may have ended it: an error, or a
   * statement that is no read or write of rows. Asking it before each statement costs as much as a small read.
   */
  #isInTransaction = false;

  /**
   * @param values how parameters, rows and errors go in and out
   * @param meter hears how long each step takes; none in a thread, where it keeps nobody from anything
   */
  constructor(database: Database, values: SqliteValues = providerValues, meter?: LoopMeter) {
    this.#database = database;
    this.#values = values;
    this.#meter = meter;
  }

  /** Sets the connection up. It may run again where another process holds a lock that it needs. */
  configure(role: SqliteRole): void {
    this.script(openingPragmas(role));
  }

  /** Runs statements of our own, one after the other. What they return is dropped. */
  script(sql: string): void {
    this.#isInTransaction = false;
    this.#database.exec(sql);
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** What a statement gets that comes now; undefined where it is open. */
  get closedBy(): LiminalDataError | undefined {
    return this.#closed;
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    if (this.#isInTransaction) return true;
    const { inTransaction } = this.#database;
    this.#isInTransaction = inTransaction && this.#values.haveConnectionAlone;
    return inTransaction;
  }

  /** What the last write returned: the one that SQLite remembers for `changes()` and the like. */
  get lastWrite(): QueryResult<unknown> | undefined {
    return this.#lastWrite;
  }

  /** @returns the statement that is kept for a text, where it only reads */
  findRead(sql: string): SqliteStatement | undefined {
    const statement = this.#statements.find(sql);
    return statement?.readonly === true && statement.reader ? statement : undefined;
  }

  /**
   * Runs a statement that `findRead` gave.
   *
   * @param start what `performance.now` said a moment ago, for a caller who knows: asking is dear for a small read
   */
  runRead<Result>(
    statement: SqliteStatement,
    parameters: readonly unknown[],
    start = this.#meter?.begin() ?? 0,
  ): QueryResult<Result> {
    const bound = this.#values.bind(parameters);
    try {
      const rows = statement.all(bound);
      this.#values.checkRows(rows, statement, bound);
      return { rows: rows as Result[] };
    } catch (error) {
      this.#isInTransaction = false;
      throw this.#values.cleanError(error);
    } finally {
      const meter = this.#meter;
      if (meter?.note(start) === true) meter.warn(statement.source, start, statement.readonly);
    }
  }

  /** Whether a statement only reads. It is prepared for that. */
  isRead(sql: string): boolean {
    const statement = this.#prepare(sql);
    return statement.readonly && statement.reader;
  }

  /** Runs a statement where it only reads. @returns undefined where it would write, and nothing has happened */
  read<Result>(sql: string, parameters: readonly unknown[]): QueryResult<Result> | undefined {
    const statement = this.#prepare(sql);
    return statement.readonly && statement.reader ? this.runRead(statement, parameters) : undefined;
  }

  /** Runs any statement. @returns what Kysely's own dialect would, and the count of rows that a write returned */
  run<Result>(sql: string, parameters: readonly unknown[]): QueryResult<Result> {
    const statement = this.#prepare(sql);
    if (statement.readonly && statement.reader) return this.runRead(statement, parameters);
    this.#lastWrite = undefined;
    const result = this.#write<Result>(statement, parameters);
    this.#lastWrite = result;
    return result;
  }

  #write<Result>(statement: SqliteStatement, parameters: readonly unknown[]): QueryResult<Result> {
    if (statement.reader) {
      const result = this.runRead<Result>(statement, parameters);
      if (!this.#values.countsReturnedRows) return result;
      return { ...result, numAffectedRows: BigInt(result.rows.length) };
    }
    // COMMIT, ROLLBACK and RELEASE among others.
    if (statement.readonly) this.#isInTransaction = false;
    const bound = this.#values.bind(parameters);
    const start = this.#meter?.begin() ?? 0;
    try {
      const { changes, lastInsertRowid } = statement.run(bound);
      return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
    } catch (error) {
      this.#isInTransaction = false;
      throw this.#values.cleanError(error);
    } finally {
      const meter = this.#meter;
      if (meter?.note(start) === true) meter.warn(statement.source, start, false);
    }
  }

  /** Runs one write of our own for each set of parameters, which SQLite can bind. */
  runEach(sql: string, sets: readonly (readonly unknown[])[]): void {
    if (sets.length === 0) return;
    const statement = this.#prepare(sql);
    this.#lastWrite = undefined;
    try {
      for (const parameters of sets) statement.run(parameters);
    } catch (error) {
      this.#isInTransaction = false;
      throw this.#values.cleanError(error);
    }
  }

  /** Runs a statement of our own that has no parameters and returns nothing, such as `commit`. */
  command(sql: string): void {
    const statement = this.#prepare(sql);
    this.#isInTransaction = false;
    const start = this.#meter?.begin() ?? 0;
    try {
      statement.run();
    } finally {
      const meter = this.#meter;
      if (meter?.note(start) === true) meter.warn(sql, start, false);
    }
  }

  /**
   * Rolls back where a transaction is open: a full disk, among others, has rolled it back already. Never throws: where
   * it fails the connection is closed, so that nobody finds it inside of a transaction.
   *
   * @returns what it met; undefined where all is well
   */
  rollBack(): unknown {
    return this.isOpen && this.inTransaction ? this.commandOrClose('rollback') : undefined;
  }

  /**
   * As `command`, for what the next borrower relies on. Never throws: where it fails the connection is closed.
   *
   * @returns what it met; undefined where all is well
   */
  commandOrClose(sql: string): unknown {
    if (!this.isOpen) return undefined;
    try {
      this.command(sql);
      return undefined;
    } catch (cause) {
      this.close(givenUpError(cause));
      return cause;
    }
  }

  /**
   * Copies the database into a file, some pages at a time; between them the event loop turns. Nobody else may use
   * the connection meanwhile.
   *
   * @param onStep hears how many pages are copied, and how many there are; what it throws ends the copy
   */
  async backUp(file: string, onStep: (done: number, total: number) => void): Promise<void> {
    await this.#database.backup(file, {
      progress({ totalPages, remainingPages }) {
        onStep(totalPages - remainingPages, totalPages);
        return pagesPerStep;
      },
    });
  }

  /** A number that is another one when another connection has committed since. */
  dataVersion(): number {
    this.#dataVersion ??= this.#database.prepare<unknown[], number>('pragma data_version').pluck();
    return this.#dataVersion.get() as number;
  }

  /**
   * Reads row by row. The statement is open until the end of the rows, or until `return()`; nothing may be
   * written on this connection until then.
   */
  *iterate(sql: string, parameters: readonly unknown[]): Generator<Row, void> {
    if (this.#closed !== undefined) throw this.#closed;
    const statement = this.#database.prepare(sql) as SqliteStatement;
    const bound = this.#values.bind(parameters);
    const seen = new Set<string>();
    const rows = statement.iterate(bound);
    this.#iterators.add(rows);
    try {
      for (const row of rows) {
        this.#values.checkRows([row], statement, bound, seen);
        yield row;
      }
      const { closedBy } = this;
      if (closedBy !== undefined) throw closedBy;
    } catch (error) {
      this.#isInTransaction = false;
      throw this.#values.cleanError(error);
    } finally {
      this.#iterators.delete(rows);
      rows.return?.();
    }
  }

  /**
   * Closes it. An open transaction is rolled back, and who reads row by row finds it closed.
   *
   * @param reason what a statement gets that comes later
   */
  close(reason: LiminalDataError = closedError()): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.#isInTransaction = false;
    for (const rows of this.#iterators) rows.return?.();
    this.#database.close();
  }

  #prepare(sql: string): SqliteStatement {
    if (this.#closed !== undefined) throw this.#closed;
    const kept = this.#statements.find(sql);
    if (kept !== undefined) return kept;
    const { refusesLostPragmas } = this.#values;
    if (refusesLostPragmas && this.#database.inTransaction && switchesForeignKeys(sql))
      throw foreignKeysError();
    const statement = this.#prepareAnew(sql);
    // Some PRAGMAs run while they are prepared, so each has to be prepared anew.
    // A reader that was asked for the last write within a transaction must not be asked without one.
    if (!isPragma(sql) && !asksForLastWrite(sql)) this.#statements.add(sql, statement);
    return statement;
  }

  /**
   * Another process may have changed the schema since this connection looked: SQLite then refuses some statements
   * that are right, and finds out only once one runs.
   */
  #prepareAnew(sql: string): SqliteStatement {
    try {
      return this.#database.prepare(sql) as SqliteStatement;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'SQLITE_ERROR') throw error;
      this.#database.prepare('select 1 from sqlite_schema limit 1').all();
      return this.#database.prepare(sql) as SqliteStatement;
    }
  }
}

// SQLite takes it without a word and without effect: a table that is dropped then deletes what refers to it.
function foreignKeysError(): QueryError {
  return new QueryError(
    'PRAGMA foreign_keys does nothing inside a transaction, so it is refused there. A table that others refer to by ON DELETE CASCADE cannot be dropped and made anew here without losing their rows.',
    undefined,
  );
}
