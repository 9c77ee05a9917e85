import type { CompiledQuery } from 'kysely';
import type { HearOutcome, Touch, WriteOutcome, WriteWatcher } from '../provider/write-watch.ts';
import type { CacheChanges } from './cache-changes.ts';
import { everySlot, slotsOf } from './stamps.ts';
import type { TableLayouts } from './table-layouts.ts';
import { tagsOf, type TaggedTable } from './tags-of.ts';
import { changesSchema, type SqlTouch } from './touch/touch.ts';
import type { TouchReader } from './touch/touch-reader.ts';
import type { WriteEffects } from './touch/write-effects.ts';

/** What a cache understands writes by. */
export interface CacheWatchParts {
  readonly reader: TouchReader;
  readonly effects: WriteEffects;
  /** The tables that are cached. */
  readonly tables: ReadonlyMap<string, TaggedTable>;
  /** How their rows are told apart. */
  readonly layouts: TableLayouts;
  /** The tables that nobody caches, by `tableName`. */
  readonly uncached: ReadonlySet<string>;
  readonly changes: CacheChanges;
  /** Statements that are committed with a change. */
  readonly accompany: (slots: readonly number[]) => readonly CompiledQuery[];
  /** Forgets the effects, and reads them anew. Never rejects. */
  readonly relearn: () => Promise<void>;
  /** Another number whenever something else is known of tables: their keys and groups, or how they hang together. */
  readonly knowledge: () => number;
}

const unheard: HearOutcome = () => {};

/** Makes invalid what a provider writes. */
export class CacheWatch implements WriteWatcher {
  readonly #parts: CacheWatchParts;

  constructor(parts: CacheWatchParts) {
    this.#parts = parts;
  }

  get anything(): SqlTouch {
    return this.#parts.reader.anything;
  }

  touchedBy(query: CompiledQuery): SqlTouch | undefined {
    return this.#parts.reader.touchedBy(query);
  }

  accompany(touches: readonly Touch[]): readonly CompiledQuery[] {
    const slots = this.#slotsOf(touches);
    return slots.length === 0 ? [] : this.#parts.accompany(slots);
  }

  committing(touches: readonly Touch[]): HearOutcome {
    const { changes, effects, relearn } = this.#parts;
    const slots = this.#slotsOf(touches);
    const hear = slots.length === 0 ? unheard : changes.begin(slots, { isTold: true });
    if (!changesSchema(touches)) {
      const { knowledge } = this.#parts;
      const known = knowledge();
      return (outcome) => {
        const heard = hear(outcome);
        if (known === knowledge()) return heard;
        return Promise.all([heard, this.#hearOthers(touches, slots, outcome)]).then(() => {});
      };
    }
    // Who cascades to whom may be another one from now on; until it is read, a write means everything.
    effects.forget();
    return (outcome) => {
      // Somebody may have read it in between, for a change of theirs.
      void relearn();
      return hear(outcome);
    };
  }

  /**
   * Who has named another key or group of the table while it was under way asks by slots that were none then. And a statement that
   * has waited for one which changes the schema has done what that one lets it do, such as by a new trigger.
   */
  #hearOthers(
    touches: readonly Touch[],
    slots: readonly number[],
    outcome: WriteOutcome,
  ): void | Promise<void> {
    const others = this.#slotsOf(touches).filter((slot) => !slots.includes(slot));
    if (others.length > 0) return this.#parts.changes.begin(others, { isTold: false })(outcome);
  }

  #isUncached({ shape: { isAnything, writes } }: SqlTouch): boolean {
    const { effects, uncached } = this.#parts;
    if (isAnything) return false;
    return writes.every((write) => {
      const beside = effects.of(write);
      return beside !== undefined && [write.table, ...beside].every((table) => uncached.has(table));
    });
  }

  /** None where nobody caches what is written, as far as is known now: a trigger may come in between. */
  #slotsOf(all: readonly Touch[]): readonly number[] {
    const { tables, effects, layouts, uncached } = this.#parts;
    const touches =
      uncached.size === 0 ? all : (all as readonly SqlTouch[]).filter((touch) => !this.#isUncached(touch));
    if (touches.length === 0) return [];
    const tags = tagsOf(touches, tables, effects);
    return tags === undefined ? [everySlot] : layouts.mark(slotsOf([...tags]));
  }
}
