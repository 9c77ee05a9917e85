import type { IsolationLevel } from 'kysely';

/** A running transaction, as the isolation check sees it. */
export interface IsolationScope {
  /** Reads the list of a key. */
  read(key: string): Promise<readonly number[]>;
  /** Appends a value to the list of a key, in one statement of the database. */
  append(key: string, value: number): Promise<void>;
}

/** How one transaction of the check runs. */
export interface IsolationRun {
  /** The level; the subject's own where it is undefined. */
  readonly isolation: IsolationLevel | undefined;
  /** Whether it only reads. */
  readonly readOnly: boolean;
}

/** A database with transactions, seen by the isolation check. */
export interface IsolationSubject {
  /** Makes what it needs, empties it, and gives each key an empty list. */
  reset(keys: readonly string[]): Promise<void>;
  /** Runs work in a transaction; commits where it resolves, rolls back where it rejects. It may run it again. */
  transaction(work: (scope: IsolationScope) => Promise<void>, run: IsolationRun): Promise<void>;
  /** Every list as it is now, read outside of any transaction. */
  readAll(): Promise<ReadonlyMap<string, readonly number[]>>;
}
