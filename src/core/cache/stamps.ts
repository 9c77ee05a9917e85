import { everything } from './own-tags.ts';

/** How many slots there are: tags share them by chance, which invalidates too much and never too little. */
export const slotCount = 65_536;

/** The slot that every answer depends on. */
export const everySlot = 0;

/** @returns the slot of a tag, the same in every process */
export function slotOf(tag: string): number {
  if (tag === everything) return everySlot;
  let hash = 0x811c9dc5;
  for (let at = 0; at < tag.length; at += 1) hash = Math.imul(hash ^ tag.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return 1 + ((hash >>> 0) % (slotCount - 1));
}

/** @returns the slots of tags, each once */
export function slotsOf(tags: readonly string[]): readonly number[] {
  return [...new Set(tags.map(slotOf))];
}

/**
 * What has changed, as far as this process knows. Each slot counts its moves. Counts only grow, so two sums of the same
 * slots are equal where none of them has moved in between: one number is the stamp of an answer, however many tags
 * it has.
 *
 * Slots that a commit is about to change are closed until its outcome is known: they have no stamp meanwhile, so that
 * nothing that depends on them is given or kept.
 */
export class Stamps {
  // Integers up to 2^53: a count that came round would make an old stamp good again.
  readonly #moves = new Float64Array(slotCount);
  readonly #closings = new Uint32Array(slotCount);

  /**
   * @param slots what an answer depends on; the slot of everything is a part of it
   * @returns undefined where one of them is closed
   */
  stampOf(slots: readonly number[]): number | undefined {
    if (this.#closings[everySlot]! > 0) return undefined;
    let stamp = this.#moves[everySlot]!;
    for (let at = 0; at < slots.length; at += 1) {
      const slot = slots[at]!;
      if (this.#closings[slot]! > 0) return undefined;
      stamp += this.#moves[slot]!;
    }
    return stamp;
  }

  /** Whether a slot is closed. */
  isClosed(slot: number): boolean {
    return this.#closings[slot]! > 0;
  }

  /** Makes invalid what depends on a slot. */
  move(slots: readonly number[]): void {
    for (const slot of slots) this.#moves[slot]! += 1;
  }

  /** Closes slots until they are opened as often. */
  close(slots: readonly number[]): void {
    for (const slot of slots) this.#closings[slot]! += 1;
  }

  open(slots: readonly number[]): void {
    for (const slot of slots) this.#closings[slot]! -= 1;
  }
}
