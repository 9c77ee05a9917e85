import type { Transaction } from 'kysely';

/**
 * What takes part in the commit of transactions: it is handed items while they run, and writes them in one go just
 * before COMMIT. For rooms such as an audit trail, whose rows must be committed with the change that they tell of,
 * and hold a lock for as short as can be.
 *
 * @typeParam Item what it is handed
 */
export interface CommitParticipant<Item> {
  /**
   * Writes what was handed in. It is called once an attempt, when the work has returned and none of its statements
   * can come any more.
   *
   * @param db a handle whose statements belong to the transaction; each must be awaited
   * @param items in the order in which they were handed in, without those of scopes that were undone; at least one
   * @throws whatever rolls the transaction back; what is retryable lets it run again where it is retried
   */
  beforeCommit(db: Transaction<never>, items: readonly Item[]): Promise<void>;
}

/** An item on its way to a commit. */
export interface Gathered {
  /** Of all items of the process, how many were handed in before: scopes inside of each other mix theirs. */
  readonly place: number;
  readonly participant: CommitParticipant<never>;
  readonly item: never;
}
