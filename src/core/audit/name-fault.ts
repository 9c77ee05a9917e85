import type { MacKeys } from '../foundation/mac-keys.ts';
import type { ChainHead, ChainRow } from './chain-row.ts';
import { examineRow, isWrittenFor } from './examine-row.ts';
import type { AuditFault, AuditFaultKind } from './verify-report.ts';

/** Where a chain breaks, and what stands around. */
export interface Breach {
  readonly keys: MacKeys;
  /** The last row that is well. */
  readonly head: ChainHead;
  /** The rows from the first one that is not well on, as far as they were read. */
  readonly rows: readonly [ChainRow, ...ChainRow[]];
  /** Whether that is all of them, to the end of the chain. */
  readonly isWhole: boolean;
  /** Whether a row before `head` has a hash. */
  readonly isEarlierHash: (hash: string) => Promise<boolean>;
}

/** How far off its place a row is looked for. */
const farthestMove = 1_000;

/**
 * Names what was done to a chain, by what the codes of the rows say about where each was written. The place is the
 * first that is not as it was, whatever the name.
 */
export async function nameFault(breach: Breach): Promise<AuditFault> {
  const { keys, head, rows } = breach;
  const [first, ...others] = rows;
  const seq = head.seq + 1;
  if (first.seq > seq) {
    const last = first.seq - 1;
    return fault(seq, 'deleted', last === seq ? 'the row is missing' : `the rows up to ${last} are missing`);
  }
  if (first.seq < seq)
    return fault(first.seq, 'inserted', 'the row stands where a purged one was, by its summary');
  const standing = examineRow(keys, first);
  if (isWrittenFor(keys, first, seq)) return nameBrokenLink(breach);
  if (standing === 'unknown-key') {
    return fault(seq, 'unknown-key', 'the row names a key that the keys do not have; hand it in as well');
  }
  const isPushedOn = others.some((row) => isWrittenFor(keys, row, seq));
  if (findOrigin(keys, first) !== undefined) {
    return isPushedOn
      ? fault(seq, 'reordered', 'another row stands here, and the one that was here stands further on')
      : fault(seq, 'deleted', 'the row is missing, and those behind it were moved up');
  }
  if (isPushedOn) return fault(seq, 'inserted', 'the row was put here, and those behind it were moved on');
  if (isRewritten(breach)) {
    return fault(seq, 'rewritten', 'from here to the end nobody who had the keys wrote the rows');
  }
  return fault(seq, 'edited', 'the row is not as it was written');
}

/** The row is what was written for its place, and does not follow the one before it. */
async function nameBrokenLink({ keys, head, rows, isEarlierHash }: Breach): Promise<AuditFault> {
  const [first, second] = rows;
  const { seq } = first;
  if (examineRow(keys, first) !== 'genuine') {
    return fault(seq, 'edited', 'the row has another hash than it was written with');
  }
  if (await isEarlierHash(first.prev_hash)) {
    return fault(seq, 'forked', 'the row follows an earlier row than the one before it');
  }
  // Where the next row still follows it, it is as it was, and it is the one before it that was exchanged.
  return second?.prev_hash === first.hash && head.seq > 0
    ? fault(head.seq, 'edited', 'the row is not the one that the next row follows')
    : fault(seq, 'edited', 'the row does not follow the one before it');
}

function findOrigin(keys: MacKeys, row: ChainRow): number | undefined {
  for (let distance = 1; distance <= farthestMove; distance += 1) {
    for (const seq of [row.seq + distance, row.seq - distance]) {
      if (seq > 0 && isWrittenFor(keys, row, seq)) return seq;
    }
  }
  return undefined;
}

/** Whether a chain that is well in itself was made without the keys, to its end. One such row counts as edited. */
function isRewritten({ keys, head, rows, isWhole }: Breach): boolean {
  let before = head.hash;
  for (const row of rows) {
    if (row.prev_hash !== before || examineRow(keys, row) !== 'false-content') return false;
    before = row.hash;
  }
  return isWhole ? rows.length > 1 : true;
}

function fault(seq: number, kind: AuditFaultKind, what: string): AuditFault {
  return { seq, kind, message: `At ${seq} ${what}.` };
}
