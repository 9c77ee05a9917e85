import { LiminalDataError } from './liminal-data-error.ts';

/** The statement itself is at fault: unknown table or column, syntax, a value of the wrong type. */
export class QueryError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_QUERY',
    retryable: false,
    when: 'The database refuses a statement for a reason that has no class of its own: syntax, an unknown table or column, a type that does not fit.',
    remedy:
      'Mend the statement. `driverCode` is the SQLSTATE or the SQLite result code. On Postgres the words of the server are kept where they point into the statement, and those of a RAISE (P0001) as its author wrote them: write no value into one that is secret.',
  } as const;

  /** SQLSTATE or SQLite result code, where the driver gives one. */
  readonly driverCode: string | undefined;

  constructor(message: string, driverCode: string | undefined, options?: ErrorOptions) {
    super(message, options);
    this.driverCode = driverCode;
  }
}

/** The statement ran longer than allowed and was cancelled by the server. */
export class StatementTimeoutError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_STATEMENT_TIMEOUT',
    retryable: false,
    when: 'A statement ran longer than `statementTimeout` on Postgres. A running SQLite statement cannot be cancelled.',
    remedy: 'Add the index that is missing, ask for fewer rows, or raise `statementTimeout`.',
  } as const;
}

/** The statement was cancelled on purpose. */
export class QueryCancelledError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_QUERY_CANCELLED',
    retryable: false,
    when: 'A statement was cancelled on the server, by an abort signal or by an operator.',
    remedy: 'Nothing, where it was meant; else ask who cancelled it.',
  } as const;
}

/** There is no room left to write. */
export class DiskFullError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DISK_FULL',
    retryable: false,
    when: 'The disk, a quota or a file size limit is reached. The statement had no effect, and inside a transaction the whole transaction is gone; reads go on.',
    remedy: 'Make room; the next write works without a restart.',
  } as const;
}

/** The file is not a database, or its pages contradict each other. */
export class CorruptDatabaseError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_CORRUPT_DATABASE',
    retryable: false,
    when: 'The file is no SQLite database, or the database reports damaged pages or indexes.',
    remedy: 'Stop writing, keep a copy of the files, and restore a backup.',
  } as const;
}

/** The database file is not where it was opened. */
export class DatabaseMovedError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_DATABASE_MOVED',
    retryable: false,
    when: 'The SQLite file was moved, replaced or deleted while it was open. Writes would go into a file that nobody finds again, so they are refused.',
    remedy: 'Put the file back, or close the provider and open the file that is there now.',
  } as const;
}

/** A stored integer is too large for a JavaScript number. */
export class UnsafeIntegerError extends LiminalDataError {
  static override readonly description = {
    code: 'LIMINAL_UNSAFE_INTEGER',
    retryable: false,
    when: 'A query returns an integer beyond ±(2^53 − 1), which a JavaScript number would round without a word. A write that returns rows has been applied all the same, unless a transaction is rolled back by this error.',
    remedy: 'Cast the column to text in the query, and read it with BigInt.',
  } as const;

  /** The result column. */
  readonly column: string;

  constructor(column: string, options?: ErrorOptions) {
    super(
      `Column "${column}" of the result holds an integer beyond ±(2^53 - 1), which a number cannot hold exactly. Cast it to text in the query.`,
      options,
    );
    this.column = column;
  }
}
