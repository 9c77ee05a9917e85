import { everySlot } from '../stamps.ts';

/** The slots whose move a server has not confirmed: until it has, nothing that depends on them is read there. */
export class DistrustedSlots {
  /** With a number that grows, to tell one that was added again. */
  readonly #slots = new Map<number, number>();
  #count = 0;

  get size(): number {
    return this.#slots.size;
  }

  add(slots: readonly number[]): void {
    this.#count += 1;
    for (const slot of slots) this.#slots.set(slot, this.#count);
  }

  /** Whether one of these is. */
  has(slots: readonly number[]): boolean {
    if (this.#slots.size === 0) return false;
    return this.#slots.has(everySlot) || slots.some((slot) => this.#slots.has(slot));
  }

  /** Hands all of them out. @returns the slots, and what tells that their move is confirmed */
  take(): { readonly slots: readonly number[]; readonly confirm: () => void } {
    const taken = new Map(this.#slots);
    const confirm = (): void => {
      for (const [slot, count] of taken) if (this.#slots.get(slot) === count) this.#slots.delete(slot);
    };
    return { slots: [...taken.keys()], confirm };
  }
}
