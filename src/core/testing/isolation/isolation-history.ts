/**
 * What transactions did and saw, for the isolation checker. Each key holds a list, and transactions append values
 * that nobody else ever appends: so a read tells which versions came before it, in which order, and whose they are.
 */

/** A value that was appended to the list of a key. */
export interface AppendOperation {
  /** Tells it from a read. */
  readonly kind: 'append';
  /** Whose list. */
  readonly key: string;
  /** Unique in the history. */
  readonly value: number;
}

/** A list as it was read, with what the transaction itself had appended before. */
export interface ReadOperation {
  /** Tells it from an append. */
  readonly kind: 'read';
  /** Whose list. */
  readonly key: string;
  /** In the order of the list; empty where nothing has been appended yet. */
  readonly values: readonly number[];
}

/** One thing that a transaction did. */
export type IsolationOperation = AppendOperation | ReadOperation;

/** A transaction as it turned out. */
export interface IsolationTransaction {
  /** Unique in the history. */
  readonly id: number;
  /** `unknown` where nobody could say whether it was committed; it counts as committed where it was seen. */
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** In their order. */
  readonly operations: readonly IsolationOperation[];
}

/** What transactions did, and what was left of it. */
export interface IsolationHistory {
  /** In any order. */
  readonly transactions: readonly IsolationTransaction[];
  /** The list of each key after the end, where it was read. */
  readonly final?: ReadonlyMap<string, readonly number[]>;
}
