import type { MacKeys } from '../foundation/mac-keys.ts';
import type { AnchoredHead } from './anchor.ts';
import { emptyChain, type ChainHead, type ChainLink } from './chain-row.ts';
import type { ErasedRow } from './erasures.ts';
import { examineSegment, type SegmentRow } from './segment.ts';
import type { AuditFault, StreamVerification } from './verify-report.ts';

/** What is known of a chain from outside of its rows. */
export interface ChainWitness {
  readonly stream: string;
  /** In the order of their places. */
  readonly segments: readonly SegmentRow[];
  /** In the order of their places. */
  readonly anchors: readonly AnchoredHead[];
}

/** Walks along a chain, row by row, and stops at the first one that does not follow. */
export class ChainWalk {
  readonly #witness: ChainWitness;
  readonly #segments = new Map<number, SegmentRow>();
  #head: ChainHead = emptyChain;
  /** Where the chain ended before the head: what a purge left is no row of it. */
  #nextAnchor = 0;
  #lastAnchored = 0;
  #rows = 0;
  #purged = 0;
  #firstSeq = 0;
  #last: ChainHead | undefined;
  readonly #erased: ErasedRow[] = [];
  #fault: AuditFault | undefined;

  constructor(keys: MacKeys, witness: ChainWitness) {
    this.#witness = witness;
    for (const segment of witness.segments) {
      const fault = faultOf(keys, segment);
      if (fault === undefined) this.#segments.set(segment.from_seq, segment);
      else this.#note(fault);
    }
  }

  get stream(): string {
    return this.#witness.stream;
  }

  /** The last row that is well, or the end of what was purged behind it. */
  get head(): ChainHead {
    return this.#head;
  }

  /** The rows whose contents are erased. */
  get erased(): readonly ErasedRow[] {
    return this.#erased;
  }

  /** Counts a row, whether it is well or not. */
  count({ seq, hash }: ChainHead, isErased: boolean): void {
    if (this.#rows === 0) this.#firstSeq = seq;
    this.#rows += 1;
    this.#last = { seq, hash };
    if (isErased) this.#erased.push({ seq, hash });
  }

  /** @returns whether a row follows, by its place and its link */
  isNext({ seq, prev_hash: before }: ChainLink): boolean {
    if (seq !== this.#head.seq + 1 || this.#segments.has(seq)) this.#passSegments();
    return seq === this.#head.seq + 1 && before === this.#head.hash;
  }

  /** Goes on to a row that follows and is genuine. */
  follow({ seq, hash }: ChainHead): void {
    this.#head = { seq, hash };
    this.#compareWithAnchors();
  }

  /** Keeps a fault, if none is known that lies before it. */
  note(fault: AuditFault): void {
    this.#note(fault);
  }

  /** Looks for what is missing at the end. Call it where every row followed. */
  end(): void {
    this.#passSegments();
    const { anchors } = this.#witness;
    // The newest row of a chain is never purged: there was one behind each summary.
    const isCut = this.#segments.size > 0 || this.#head.seq > (this.#last?.seq ?? 0);
    if (anchors.some(({ seq }) => seq > this.#head.seq) || isCut) {
      const seq = this.#head.seq + 1;
      this.#note({ seq, kind: 'cut', message: `From ${seq} on the end of the chain is missing.` });
    }
  }

  /** What was found. */
  report(): StreamVerification {
    return {
      stream: this.stream,
      rows: this.#rows,
      purged: this.#purged,
      erased: this.#erased.length,
      firstSeq: this.#firstSeq,
      lastSeq: this.#last?.seq ?? 0,
      head: this.#last?.hash,
      fault: this.#fault,
    };
  }

  #note(fault: AuditFault): void {
    if (this.#fault === undefined || fault.seq < this.#fault.seq) this.#fault = fault;
  }

  /** Goes over what was purged behind the head. */
  #passSegments(): void {
    for (;;) {
      const segment = this.#segments.get(this.#head.seq + 1);
      if (segment === undefined || segment.prev_hash !== this.#head.hash) return;
      this.#segments.delete(segment.from_seq);
      this.#purged += segment.count;
      this.#head = { seq: segment.to_seq, hash: segment.last_hash };
      this.#compareWithAnchors();
    }
  }

  /** An anchored place that was purged is passed by: nobody can say any more. */
  #compareWithAnchors(): void {
    const { anchors } = this.#witness;
    for (
      let anchor = anchors[this.#nextAnchor];
      anchor !== undefined && anchor.seq <= this.#head.seq;
      anchor = anchors[this.#nextAnchor]
    ) {
      this.#nextAnchor += 1;
      if (anchor.seq < this.#head.seq) continue;
      if (anchor.hash === this.#head.hash) this.#lastAnchored = anchor.seq;
      else this.#note(this.#otherChain());
    }
  }

  #otherChain(): AuditFault {
    const seq = this.#lastAnchored + 1;
    return this.#lastAnchored === 0
      ? { seq, kind: 'rewritten', message: `From ${seq} on the chain is not the one that was anchored.` }
      : {
          seq,
          kind: 'forked',
          message: `Up to ${this.#lastAnchored} the chain is the one that was anchored; behind it, it goes on otherwise.`,
        };
  }
}

function faultOf(keys: MacKeys, segment: SegmentRow): AuditFault | undefined {
  const { from_seq: seq } = segment;
  const summary = `The summary of what was purged from ${seq} on`;
  switch (examineSegment(keys, segment)) {
    case 'genuine':
      return undefined;
    case 'forged':
      return { seq, kind: 'edited', message: `${summary} is not genuine.` };
    case 'unknown-key': {
      const message = `${summary} names a key that the keys do not have; hand it in as well.`;
      return { seq, kind: 'unknown-key', message };
    }
  }
}
