/** What a backup and a restore of a database are asked and tell, whichever engine does them. */

/** How far a copy is. */
export interface BackupProgress {
  /** `copy`: pages are copied. `check`: the copy is read whole and checked; that has no count of its own. */
  readonly stage: 'copy' | 'check';
  /** How many pages are copied. */
  readonly done: number;
  /** How many pages there are. */
  readonly total: number;
}

/** How long work with copies may go on, and who hears of it. */
export interface CopyOptions {
  /** Hears how far it is, some times a second. What it throws ends the work. */
  readonly onProgress?: (progress: BackupProgress) => void;
  /** Ends the work; nothing of it is left behind then. */
  readonly signal?: AbortSignal;
}

/** How a backup is made. */
export interface BackupOptions extends CopyOptions {
  /** Whether a file that has the name already is replaced. It is refused by default. */
  readonly overwrite?: boolean;
}

/** A backup that is there, checked and on the disk. */
export interface BackupReport {
  /** Its absolute path. */
  readonly file: string;
  /** Its size. */
  readonly bytes: number;
  /** How many pages of the database it holds. */
  readonly pages: number;
  /** How long it took, in ms. */
  readonly duration: number;
}

/** How a backup is put in the place of a database. */
export interface RestoreOptions extends CopyOptions {
  /** Whether the old database is thrown away. It is kept beside the new one by default. */
  readonly discardOld?: boolean;
}

/** A database that was restored. */
export interface RestoreReport {
  /** The absolute path of the database. */
  readonly file: string;
  /** Where the old database is now; undefined where there was none, or where it was thrown away. */
  readonly kept: string | undefined;
  /** The size of the database. */
  readonly bytes: number;
  /** How many pages it has. */
  readonly pages: number;
  /** How long it took, in ms. */
  readonly duration: number;
}
