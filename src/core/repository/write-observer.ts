import type { StoredRow, UntypedDatabase } from './stored-row.ts';
import type { TableDefinition } from './table-definition.ts';

/** A row that a write has met. */
export interface RowChange {
  /** As it was; undefined where it was not there. */
  readonly before: StoredRow | undefined;
  /** As it is now; undefined where it is there no more. */
  readonly after: StoredRow | undefined;
}

/** A write of a repository in a transaction, before it is sent. */
export interface ObservedWrite {
  readonly kind: 'insert' | 'update' | 'upsert' | 'delete';
  readonly definition: TableDefinition;
  /** Of an update, a value for each column of the key of the row that it means. */
  readonly key?: readonly unknown[];
  /** Reads the row that a delete means, and keeps others from changing it and from referring to it. */
  lock?(): Promise<StoredRow | undefined>;
  /**
   * Sends it, once.
   *
   * @param known the row that an update means, as the transaction has read it before. It saves a statement where it is
   *   still so, which the update itself finds out
   * @returns the rows that it met, with what they were at that moment
   */
  send(known?: StoredRow): Promise<readonly RowChange[]>;
}

/**
 * Takes part in all that the repositories of a provider write, in the transaction of the write; where there is none, one
 * is opened. The room of the repositories does not know who that is.
 */
export interface WriteObserver {
  /** Hears of a row that was read whole, to change it perhaps. */
  loaded(row: StoredRow, definition: TableDefinition, on: UntypedDatabase): void;
  /**
   * Sends a write, and does what belongs to it.
   *
   * @param on a transaction
   * @returns what the write has returned
   */
  write(write: ObservedWrite, on: UntypedDatabase): Promise<readonly RowChange[]>;
}
