import type { MacKeys } from '../foundation/mac-keys.ts';
import { decodeJson } from '../query/json-text.ts';
import type { ChainRow } from './chain-row.ts';
import { examineRow } from './examine-row.ts';

/** The action of the events that say which contents were erased. */
export const eraseAction = 'audit.erase';

/** A range of places of a chain whose contents were erased: the chain, the first and the last place. */
export type ErasedRange = readonly [stream: string, fromSeq: number, toSeq: number];

/** What the events of erasures explain. */
export class Erasures {
  readonly #ranges = new Map<string, (readonly [number, number])[]>();

  /** Takes in a row, where it is a genuine event of an erasure. */
  read(keys: MacKeys, row: ChainRow): void {
    if (row.action !== eraseAction || row.content === null || examineRow(keys, row) !== 'genuine') return;
    const { metadata } = decodeJson(row.content) as { readonly metadata?: { readonly erased?: unknown } };
    for (const [stream, from, to] of (metadata?.erased ?? []) as readonly ErasedRange[]) {
      const ranges = this.#ranges.get(stream);
      if (ranges === undefined) this.#ranges.set(stream, [[from, to]]);
      else ranges.push([from, to]);
    }
  }

  /**
   * @param erased places whose contents are gone, in their order
   * @returns the first that no event explains
   */
  findUnexplained(stream: string, erased: readonly number[]): number | undefined {
    const ranges = (this.#ranges.get(stream) ?? []).toSorted(([one], [other]) => one - other);
    let next = 0;
    let explainedTo = 0;
    return erased.find((seq) => {
      for (; next < ranges.length && ranges[next]![0] <= seq; next += 1) {
        explainedTo = Math.max(explainedTo, ranges[next]![1]);
      }
      return seq > explainedTo;
    });
  }
}
