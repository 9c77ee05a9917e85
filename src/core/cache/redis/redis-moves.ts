import { writeSlots } from '../slots-message.ts';
import { everySlot } from '../stamps.ts';
import { DistrustedSlots } from './distrusted-slots.ts';
import type { RedisLine } from './redis-line.ts';
import { runScript } from './redis-script.ts';

/** What moves on a server are made of. */
export interface RedisMovesParts {
  readonly line: RedisLine;
  /** Who this process is. */
  readonly source: string;
  /** Where the stamps are, and where moves are told. */
  readonly places: () => { readonly stamps: string; readonly channel: string };
  readonly tell: (event: { readonly type: 'unconfirmed' | 'confirmed' }) => void;
}

/** More than these are told as everything: a script cannot take any number. */
export const mostSlots = 1_000;

/** Moves slots on a server. What that has not confirmed is distrusted, and told again until it has. */
export class RedisMoves {
  readonly #parts: RedisMovesParts;
  readonly #distrusted = new DistrustedSlots();
  #settling: Promise<void> | undefined;

  constructor(parts: RedisMovesParts) {
    this.#parts = parts;
  }

  /** How many slots the server has not confirmed. */
  get unconfirmed(): number {
    return this.#distrusted.size;
  }

  /** Whether nothing of these is unconfirmed. */
  areConfirmed(slots: readonly number[]): boolean {
    return !this.#distrusted.has(slots);
  }

  /** @returns settles when the server has confirmed it, or the slots are distrusted; it never rejects */
  async move(slots: readonly number[]): Promise<void> {
    if (await this.#moveThere(slots)) return;
    const { line, tell } = this.#parts;
    if (this.#distrusted.size === 0) tell({ type: 'unconfirmed' });
    this.#distrusted.add(slots);
    if (line.isUp) void this.settle();
  }

  /** Lets the server confirm what it has not, for as long as it answers. Never rejects. */
  settle(): Promise<void> {
    if (this.#distrusted.size > 0) this.#settling ??= this.#settleAll();
    return this.#settling ?? Promise.resolve();
  }

  async #settleAll(): Promise<void> {
    const { line, tell } = this.#parts;
    while (this.#distrusted.size > 0) {
      const { slots, confirm } = this.#distrusted.take();
      if (await this.#moveThere(slots)) {
        confirm();
        if (this.#distrusted.size === 0) tell({ type: 'confirmed' });
      } else if (!line.isUp) break;
    }
    // At once, so that what is added from now on finds it at its end.
    this.#settling = undefined;
  }

  async #moveThere(slots: readonly number[]): Promise<boolean> {
    const { line, source, places } = this.#parts;
    const { stamps, channel } = places();
    const told = slots.length > mostSlots ? [everySlot] : slots;
    const args = [channel, writeSlots(source, told, mostSlots), told.join(' ')];
    const moved = await line.ask((connection) => runScript(connection, 'move', [stamps], args));
    return Number(moved) === 1;
  }
}
