import type { Kysely } from 'kysely';
import type { TransferCell, TransferReference, TransferRow, TransferTable } from './transfer-table.ts';

/** How the rows of a whole database get out of an engine and into it. */
export interface TransferTraits {
  /** Whether a text may hold the character NUL. */
  readonly holdsNul: boolean;
  /** Whether a REAL may be NaN. */
  readonly holdsNaN: boolean;
  /**
   * Reads the tables of the application, in one statement or one snapshot.
   *
   * @param db any handle of the database
   */
  readTables(db: Kysely<any>): Promise<readonly TransferTable[]>;
  /**
   * Reads the names of all tables that lie where those of the application do, the library's own among them. What other
   * schemas hold is none of a copy's concern: Kysely's introspection tells of it all the same.
   *
   * @param db any handle of the database
   */
  readNames(db: Kysely<any>): Promise<ReadonlySet<string>>;
  /**
   * Lets the rest of a transaction see values as texts that do not depend on the settings of a server.
   *
   * @param db the transaction
   */
  settle(db: Kysely<any>): Promise<void>;
  /**
   * Takes a snapshot of the database, or finds one again that was kept.
   *
   * @param id which snapshot: letters and digits
   */
  openSource(id: string): Promise<TransferSource>;
  /** Makes ready to write. It changes nothing yet. */
  openTarget(): Promise<TransferTarget>;
}

/** What a generator of keys, such as an identity column, has given out last. */
export interface LastKey {
  readonly table: string;
  readonly column: string;
  readonly last: number;
}

/** A database as it was at one moment. Whoever goes on using it disturbs nothing and is not disturbed. */
export interface TransferSource {
  /** Whether it was taken by an earlier run and is the same to the last byte, in the order of its rows too. */
  readonly isKept: boolean;
  /** Counts the rows of a table. */
  count(table: string): Promise<number>;
  /**
   * Reads a table in portions of some megabytes at most, always in the same order.
   *
   * @param columns whose values are wanted
   * @param skip how many rows are passed over; 0 where the snapshot is not kept
   */
  read(table: TransferTable, columns: readonly string[], skip: number): AsyncIterable<readonly TransferRow[]>;
  /** What the generators of keys have given out last; those that have given out nothing are left out. */
  lastKeys(): Promise<readonly LastKey[]>;
  /**
   * Runs work on a handle that sees the snapshot.
   *
   * @param db the root handle of the database
   */
  look<Result>(db: Kysely<any>, work: (snapshot: Kysely<any>) => Promise<Result>): Promise<Result>;
  /**
   * Lets go of the connections.
   *
   * @param isDone whether nobody comes back, so that what was kept is removed
   */
  close(isDone: boolean): Promise<void>;
}

/** A line of the records that a copy keeps in its target. */
export interface TransferNote {
  /** By which it is found and replaced. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
}

/** Rows that are written at once, with what is noted of them: all of it or nothing. */
export interface TransferLoad {
  /** Their table. */
  readonly table: TransferTable;
  /** The columns of the values. */
  readonly columns: readonly string[];
  /** The rows; they may be none. */
  readonly rows: readonly TransferRow[];
  /** What is noted of the copy. */
  readonly notes: readonly TransferNote[];
  /** The rows that were left out, each noted under a name of its own. */
  readonly quarantine: readonly TransferNote[];
}

/** The tables that a copy keeps in its target. The first is dropped at the end, the second where it is empty. */
export const transferRecords = { notes: 'liminal_copy', quarantine: 'liminal_copy_quarantine' } as const;

/** The note that says which run it is that writes. */
export const transferRun = 'run';

/** Where a copy writes. One at a time. */
export interface TransferTarget {
  /** What an earlier run has noted; empty where none is under way. */
  readNotes(): Promise<ReadonlyMap<string, string>>;
  /**
   * Makes this run the one that goes on with a copy. Any other one writes nothing from then on: a server ends what has
   * reached it even where whoever sent it was killed, and would write the same rows once more.
   *
   * @throws CopyRefusedError where what the other one has sent takes longer than a lock is waited for
   */
  takeOver(): Promise<void>;
  /**
   * Makes the records, and puts foreign keys and triggers out of the way, all of it or nothing. What was set aside is
   * noted as well, so that a later run can put it back.
   *
   * @throws CopyRefusedError where another copy was quicker; so do all the others where another run has taken over
   */
  setAside(tables: readonly TransferTable[], notes: readonly TransferNote[]): Promise<void>;
  /**
   * Writes rows.
   *
   * @param before settles when it may be sent
   * @throws what the database says to them; nothing of the load is kept then. And what `before` rejects with
   */
  load(load: TransferLoad, before?: Promise<void>): Promise<void>;
  /** Deletes all rows of some tables, and what is quarantined of them. */
  empty(tables: readonly string[], notes: readonly TransferNote[]): Promise<void>;
  /**
   * Deletes the rows that refer to nothing, and notes each of them as quarantined.
   *
   * @param note makes the note out of the values of the table's columns
   * @returns how many there were
   */
  takeOrphans(
    table: TransferTable,
    reference: TransferReference,
    note: (row: Readonly<Record<string, TransferCell>>) => TransferNote,
  ): Promise<number>;
  /**
   * Puts back what was set aside, lets generators of keys go on behind the last key, rebuilds search indexes, and drops
   * the records: all of it or nothing.
   *
   * @param keys what the generators of the source gave out last
   */
  finish(keys: readonly LastKey[]): Promise<void>;
  /** Lets go of the connection. */
  close(): Promise<void>;
}
