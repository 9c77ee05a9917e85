/**
 * What became of a chain:
 * - `edited`: a row is not as it was written
 * - `deleted`: a row is missing, with rows behind it
 * - `inserted`: a row was put between two others
 * - `reordered`: rows have changed their places
 * - `cut`: the end of the chain is missing; only anchors tell
 * - `rewritten`: from there on to the end nothing is as it was written
 * - `forked`: from there on the chain goes on otherwise than it did, as behind the restore of an old backup
 * - `erased`: a content is gone, and no `audit.erase` event says why
 * - `unknown-key`: the keys do not have the one that the row names, so that nobody can say
 */
export type AuditFaultKind =
  'edited' | 'deleted' | 'inserted' | 'reordered' | 'cut' | 'rewritten' | 'forked' | 'erased' | 'unknown-key';

/** The first thing that is wrong in a chain. */
export interface AuditFault {
  /** The first place that is not, or may not be, as it was. */
  readonly seq: number;
  /** What happened there. */
  readonly kind: AuditFaultKind;
  /** The same in a sentence, without any value of a row. */
  readonly message: string;
}

/** What was found of one chain. */
export interface StreamVerification {
  /** Which chain. */
  readonly stream: string;
  /** How many rows it has. */
  readonly rows: number;
  /** How many rows were purged, by its signed summaries. */
  readonly purged: number;
  /** How many contents are erased. */
  readonly erased: number;
  /** The place of its first row; 0 where there is none. */
  readonly firstSeq: number;
  /** The place of its last row; 0 where there is none. */
  readonly lastSeq: number;
  /** The hash of its last row; undefined where there is none. */
  readonly head: string | undefined;
  /** The first thing that is wrong; undefined where all is well. */
  readonly fault: AuditFault | undefined;
}

/** What a verification found. */
export interface AuditVerification {
  /** Whether no chain has a fault. */
  readonly isSound: boolean;
  /** How many rows were read. */
  readonly rows: number;
  /** How many anchored heads the chains were held against. */
  readonly anchored: number;
  /** One a chain, by its name. */
  readonly streams: readonly StreamVerification[];
}
