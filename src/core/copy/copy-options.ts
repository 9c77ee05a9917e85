import type { Clock } from '../foundation/clock.ts';
import type { BadRow } from './bad-row.ts';
import type { CopyProvider } from './copy-provider.ts';

/** What a copy does at the moment. */
export type CopyStage = 'snapshot' | 'copy' | 'check' | 'verify';

/** How far a copy is. */
export interface CopyProgress {
  /** `snapshot` is taken, rows are in `copy`, references in `check`, and all is read again in `verify`. */
  readonly stage: CopyStage;
  /** The table at hand; undefined where it is none. */
  readonly table: string | undefined;
  /** How many rows of all tables the stage has done, with those that an earlier run had copied. */
  readonly rows: number;
  /** How many there are. */
  readonly total: number;
  /** Rows a second since the stage began, without those of an earlier run; 0 where nothing is known yet. */
  readonly rate: number;
  /** How long the stage will take at this rate, in ms; undefined where nothing is known yet. */
  readonly left: number | undefined;
}

/** How a database is copied. */
export interface CopyOptions {
  /** Goes on with a copy that was broken off. One that is under way is refused by default. */
  readonly resume?: boolean;
  /**
   * Brings an empty target, one without any table, to the migrations of the source:
   * `(to) => migrateToLatest(to, sets)`. An empty target is refused by default.
   */
  readonly migrate?: (to: CopyProvider) => Promise<unknown>;
  /**
   * What becomes of rows that do not fit: `stop` looks at all rows, keeps nothing and throws BadRowsError;
   * `quarantine` puts them into the table `liminal_copy_quarantine` of the target. `stop` by default.
   */
  readonly badRows?: 'stop' | 'quarantine';
  /** Hears of each row that does not fit, in no order, at the end of the copy. A promise is waited for before the next. */
  readonly onBadRow?: (row: BadRow) => unknown;
  /** Whether the copy is proved at the end. True by default. */
  readonly verify?: boolean;
  /** Hears how far it is, behind each portion. What it throws ends the copy. */
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Ends the copy between two portions; it can be gone on with. */
  readonly signal?: AbortSignal;
  /** Where rates get their time from; the machine's own clock by default. */
  readonly clock?: Clock;
}

/** A table that was copied. */
export interface CopiedTableReport {
  /** Its name. */
  readonly table: string;
  /** How many rows it has in the target. */
  readonly rows: number;
  /** How many rows are in quarantine. */
  readonly quarantined: number;
}

/** What a copy did. */
export interface CopyReport {
  /** Each table, in the order in which they were copied. */
  readonly tables: readonly CopiedTableReport[];
  /** How many rows the target has now. */
  readonly rows: number;
  /** How many rows are in quarantine. */
  readonly quarantined: number;
  /** Whether it went on with one that was broken off. */
  readonly resumed: boolean;
  /** The tables that an earlier run had begun and that were copied anew, since its snapshot was gone. */
  readonly copiedAnew: readonly string[];
  /**
   * The tables in which the source has changed since the snapshot: those changes are not in the target. Undefined
   * where the copy was not verified.
   */
  readonly changed: readonly string[] | undefined;
  /** How long this run took, in ms. */
  readonly duration: number;
}
