/** How far a backfill is. */
export interface BackfillProgress {
  /** The name of the backfill. */
  readonly name: string;
  /** Rows that were looked at since its first start, by whichever process. */
  readonly done: number;
  /** Rows that were changed since its first start. */
  readonly changed: number;
  /** A guess at the rows of the table when this call began; undefined where there is nothing to guess by. */
  readonly total: number | undefined;
  /** Rows that this call looked at, by the second. */
  readonly rate: number;
}

/** What became of a backfill. */
export interface BackfillReport {
  /** The name of the backfill. */
  readonly name: string;
  /** Rows that were looked at since its first start, by whichever process. */
  readonly done: number;
  /** Rows that were changed since its first start. */
  readonly changed: number;
  /** Batches that this call ran; 0 where the backfill was at its end already. */
  readonly batches: number;
}
