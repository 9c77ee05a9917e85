import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import { within } from '../foundation/within.ts';
import type { HearOutcome, WriteOutcome } from '../provider/write-watch.ts';
import type { CacheStore } from './cache-store.ts';
import type { InvalidationBus } from './invalidation-bus.ts';
import { everySlot, type Stamps } from './stamps.ts';
import type { TableLayouts } from './table-layouts.ts';

/** The longest that whoever has written waits for others to be told, in ms. */
const confirmLimit = 50;
/** The longest that whoever closes waits for what is under way, in ms. */
const closeLimit = 1_000;

/** What changes are told to. */
export interface CacheChangesParts {
  readonly stamps: Stamps;
  readonly layouts: TableLayouts;
  readonly store: CacheStore;
  readonly bus: InvalidationBus | undefined;
  /** For how long a change is taken for possible where nobody knows whether it came to be, in ms. */
  readonly uncertaintyWindow: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps reads from being answered by a replica that is behind what was committed unheard until now. */
  readonly noteForeign: () => void;
  /** Forgets how tables hang together, and reads it anew. */
  readonly relearn: () => void;
  /** Counts a change. */
  readonly note: (slots: readonly number[]) => void;
}

/** Makes invalid what is about to change: closed before it can take effect, moved and opened once it is known. */
export class CacheChanges {
  readonly #parts: CacheChangesParts;
  /** What nobody knows the outcome of. Each tells others once more, and ends. */
  readonly #doubts = new Set<() => void>();
  /** What others have not heard of: changes that wait for their outcome, and what tells of those that have one. */
  readonly #underWay = new Set<object>();
  #onIdle: (() => void) | undefined;
  /** The tables that were warned of. */
  readonly #foreign = new Set<string>();

  constructor(parts: CacheChangesParts) {
    this.#parts = parts;
  }

  /**
   * Call it before a change can take effect.
   *
   * @param how `isTold`: whether a statement of the bus is committed with it, so that others hear of it by that
   * @returns hears what became of it, once
   */
  begin(slots: readonly number[], { isTold }: { readonly isTold: boolean }): HearOutcome {
    const { stamps } = this.#parts;
    stamps.close(slots);
    const hear: HearOutcome = (outcome) => {
      const told = this.#end(slots, outcome, isTold);
      this.#leave(hear);
      return told;
    };
    this.#underWay.add(hear);
    return hear;
  }

  /**
   * A change that another process has told of: everybody has heard of it.
   *
   * @param how `keepsSchema`: whether it is known to be one of rows alone
   */
  hear(told: readonly number[], { keepsSchema = false }: { readonly keepsSchema?: boolean } = {}): void {
    // Before: whoever finds the slots moved must not read what is older than that.
    const { stamps, store, bus, logger, note, noteForeign } = this.#parts;
    noteForeign();
    if (!keepsSchema) this.#relearnBehind(told);
    const slots = this.widen(told);
    stamps.move(slots);
    note(slots);
    const unstored = bus?.follows !== undefined ? slots.slice(told.length) : slots;
    if (store.move === undefined || unstored.length === 0) return;
    // Whoever has died behind the COMMIT has told the bus, and not the store.
    stamps.close(unstored);
    store.move(unstored).then(
      () => stamps.open(unstored),
      (error: unknown) => logger.warn({ error }, 'a store of a cache has not confirmed a change'),
    );
  }

  /** A change that another process has told of, with all of the tables whose rows that one tells apart otherwise. */
  widen(slots: readonly number[]): readonly number[] {
    const { layouts, logger } = this.#parts;
    const foreign = layouts.foreignIn(slots);
    if (foreign.length === 0) return slots;
    for (const { table } of foreign) {
      if (this.#foreign.has(table)) continue;
      this.#foreign.add(table);
      logger.warn(
        { table },
        'another process names other keys or groups of a cached table: each of its writes empties that table here',
      );
    }
    return [...slots, ...foreign.map(({ whole }) => whole)];
  }

  /** Where anything may have changed, so may the schema. */
  #relearnBehind(slots: readonly number[]): void {
    if (slots.includes(everySlot)) this.#parts.relearn();
  }

  /**
   * Tells others of what is in doubt, and waits until they have heard of all, but not for long. What they may not hear of is
   * reported. Never rejects.
   */
  async close(): Promise<void> {
    const { clock, logger } = this.#parts;
    const { size } = this.#doubts;
    for (const settle of this.#doubts) settle();
    if (size > 0) {
      logger.warn(
        { changes: size },
        'a cache was closed while nobody knew what had become of changes: others are told of them no more',
      );
    }
    if (this.#underWay.size > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
      await within(clock, closeLimit, idle);
    }
    if (this.#underWay.size > 0) {
      logger.warn(
        { changes: this.#underWay.size },
        'a cache was closed while changes were under way: others may not be told of them',
      );
    }
  }

  #end(slots: readonly number[], outcome: WriteOutcome, isTold: boolean): void | Promise<void> {
    if (outcome === 'undone') return this.#parts.stamps.open(slots);
    return outcome === 'kept' ? this.#finish(slots, isTold) : this.#doubt(slots);
  }

  #leave(what: object): void {
    this.#underWay.delete(what);
    if (this.#underWay.size === 0) this.#onIdle?.();
  }

  /** @returns undefined where nobody has to be told, so that nobody waits */
  #finish(slots: readonly number[], isTold: boolean): void | Promise<void> {
    const { stamps, store, bus, clock, logger, note } = this.#parts;
    const publishes = bus?.publish !== undefined && !(isTold && bus.statement !== undefined);
    stamps.move(slots);
    note(slots);
    if (store.move === undefined && !publishes) return stamps.open(slots);
    const moved = (store.move?.(slots) ?? Promise.resolve()).then(
      () => stamps.open(slots),
      // A store that cannot say that its answers are gone is asked no more for these.
      (error: unknown) => logger.warn({ error }, 'a store of a cache has not confirmed a change'),
    );
    // Behind the store: whoever hears of it looks there.
    const told = moved
      .then(() => (publishes ? bus.publish?.(slots) : undefined))
      .catch((error: unknown) => logger.warn({ error }, 'other processes could not be told of a change'));
    this.#underWay.add(told);
    void told.then(() => this.#leave(told));
    return within(clock, confirmLimit, told);
  }

  /** It may have taken effect, or may still do so: told at once, and again when it must have come to its end. */
  #doubt(slots: readonly number[]): void | Promise<void> {
    const { stamps, clock, uncertaintyWindow, noteForeign } = this.#parts;
    const settle = (): void => {
      cancel();
      this.#doubts.delete(settle);
      // It may have landed unheard: no replica that is behind it may answer what is kept from now on.
      noteForeign();
      void this.#finish(slots, false);
    };
    const settleInTime = (): void => {
      this.#relearnBehind(slots);
      settle();
    };
    const cancel = clock.schedule(uncertaintyWindow, settleInTime, { keepsAlive: false });
    this.#doubts.add(settle);
    stamps.close(slots);
    return this.#finish(slots, false);
  }
}
