import type { MacKeys } from '../foundation/mac-keys.ts';
import { decodeJson } from '../query/json-text.ts';
import type { ChainRow } from './chain-row.ts';
import { examineRow } from './examine-row.ts';

/** The action of the events that say which contents were erased. */
export const eraseAction = 'audit.erase';

/**
 * A range of places of a chain whose contents were erased: the chain, the first and the last place, and the hash of each
 * row. Without its content the code of a row cannot be made again: what it still tells is proved by its hash alone, which
 * needs no key, and that hash by the code of the event that names it.
 */
export type ErasedRange = readonly [
  stream: string,
  fromSeq: number,
  toSeq: number,
  hashes: readonly string[],
];

/** A row whose content is erased. */
export interface ErasedRow {
  readonly seq: number;
  readonly hash: string;
}

/** What the events of erasures explain. */
export class Erasures {
  readonly #ranges = new Map<string, (readonly [number, number])[]>();
  /** Of all chains: a hash holds its chain and its place. */
  readonly #hashes = new Set<string>();

  /** Takes in a row, where it is a genuine event of an erasure. */
  read(keys: MacKeys, row: ChainRow): void {
    if (row.action !== eraseAction || row.content === null || examineRow(keys, row) !== 'genuine') return;
    const { metadata } = decodeJson(row.content) as { readonly metadata?: { readonly erased?: unknown } };
    const erased = metadata?.erased;
    // An application may have recorded one of its own, which explains nothing and must not end a verification.
    for (const [stream, from, to, hashes] of Array.isArray(erased) ? erased.filter(isErasedRange) : []) {
      for (const hash of hashes) this.#hashes.add(hash);
      const ranges = this.#ranges.get(stream);
      if (ranges === undefined) this.#ranges.set(stream, [[from, to]]);
      else ranges.push([from, to]);
    }
  }

  /**
   * @param erased rows whose contents are gone, in their order
   * @returns the first that no event explains, and whether one names its place, where another row was then
   */
  findUnexplained(
    stream: string,
    erased: readonly ErasedRow[],
  ): { readonly seq: number; readonly isNamed: boolean } | undefined {
    const ranges = (this.#ranges.get(stream) ?? []).toSorted(([one], [other]) => one - other);
    let next = 0;
    let namedTo = 0;
    for (const { seq, hash } of erased) {
      for (; next < ranges.length && ranges[next]![0] <= seq; next += 1) {
        namedTo = Math.max(namedTo, ranges[next]![1]);
      }
      if (seq > namedTo) return { seq, isNamed: false };
      if (!this.#hashes.has(hash)) return { seq, isNamed: true };
    }
    return undefined;
  }
}

function isErasedRange(value: unknown): value is ErasedRange {
  if (!Array.isArray(value)) return false;
  const [stream, from, to, hashes] = value as readonly unknown[];
  return (
    typeof stream === 'string' && typeof from === 'number' && typeof to === 'number' && Array.isArray(hashes)
  );
}
