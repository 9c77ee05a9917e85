import type { Selectable } from 'kysely';
import { UnknownKeyError } from '../foundation/errors/security-errors.ts';
import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AuditSegmentsTable } from './audit-tables.ts';

/** A row of the segments. */
export type SegmentRow = Selectable<AuditSegmentsTable>;

/** A range of a chain that is purged. */
export interface PurgedRange {
  readonly stream: string;
  /** The first and the last seq that went; all between them went too. */
  readonly fromSeq: number;
  readonly toSeq: number;
  /** The hash of the row before the first one. */
  readonly prevHash: string;
  /** The hash of the last one. */
  readonly lastHash: string;
  /** In ms since the Unix epoch. */
  readonly purgedAt: number;
}

/**
 * Makes the row that stands for a purged range, so that the chain goes on over it.
 *
 * @throws UnknownKeyError where the keys have no active one
 */
export function sealSegment(keys: MacKeys, range: PurgedRange): SegmentRow {
  const { stream, fromSeq, toSeq, prevHash, lastHash, purgedAt } = range;
  const row: SegmentRow = {
    stream,
    from_seq: fromSeq,
    to_seq: toSeq,
    count: toSeq - fromSeq + 1,
    prev_hash: prevHash,
    last_hash: lastHash,
    purged_at: purgedAt,
    key_id: keys.activeId,
    signature: '',
  };
  return { ...row, signature: signatureOf(keys, row) };
}

/** Examines a segment by itself: whether it is one that `sealSegment` made. */
export function examineSegment(keys: MacKeys, row: SegmentRow): 'genuine' | 'forged' | 'unknown-key' {
  try {
    return row.signature === signatureOf(keys, row) ? 'genuine' : 'forged';
  } catch (error) {
    if (error instanceof UnknownKeyError) return 'unknown-key';
    throw error;
  }
}

function signatureOf(keys: MacKeys, row: SegmentRow): string {
  const { stream, from_seq: from, to_seq: to, count, prev_hash: prev, last_hash: last, purged_at: at } = row;
  return keys.mac('audit segment', JSON.stringify([1, stream, from, to, count, prev, last, at]), row.key_id);
}
