/**
 * What the escape check is run against: any library that runs work in transactions, on one table that has nothing
 * but ids. What a library does not have is left out, and the steps that need it are passed over.
 */

/** A running transaction, or a nested scope of one. */
export interface EscapeScope {
  /** Inserts a row. Resolves once the database has said that it did. */
  insert(id: number): Promise<void>;
  /** Runs a statement that the database refuses, and rejects with what it says. */
  fail(): Promise<void>;
  /** Reads whatever there is. */
  read(): Promise<void>;
  /** Streams at least two rows, one at a time. */
  readonly stream?: () => AsyncIterable<unknown>;
  /** Runs work in a nested scope, such as a savepoint: undone alone where the work rejects. */
  readonly nested?: (work: (scope: EscapeScope) => Promise<void>) => Promise<void>;
  /** Has something called once after the outermost commit. */
  readonly afterCommit?: (hook: () => Promise<void>) => void;
  /** Has something called once this scope has been rolled back, or one around it. */
  readonly afterRollback?: (hook: () => Promise<void>) => void;
}

/** A database with transactions, seen by the escape check. */
export interface EscapeSubject {
  /** Makes the table where it is missing, and empties it. */
  reset(): Promise<void>;
  /** Runs work in a transaction; commits where it resolves, rolls back where it rejects. It may run it again. */
  transaction(work: (scope: EscapeScope) => Promise<void>): Promise<void>;
  /** Inserts a row outside of any transaction, also while one runs. Left out: no step does it. */
  insertOutside?(id: number): Promise<void>;
  /** The ids that are stored, from `from` up, in any order; read outside of any transaction. */
  rows(from: number): Promise<readonly number[]>;
  /** Starts again after a history that hung, with connections of its own. Left out: the check ends there. */
  restart?(): Promise<void>;
}
