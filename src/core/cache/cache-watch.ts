import type { CompiledQuery } from 'kysely';
import type { HearOutcome, Touch, WriteOutcome, WriteWatcher } from '../provider/write-watch.ts';
import type { CacheChanges } from './cache-changes.ts';
import { everySlot, slotsOf } from './stamps.ts';
import { tagsOf, type TaggedTable } from './tags-of.ts';
import { changesSchema, type SqlTouch } from './touch.ts';
import type { TouchReader } from './touch-reader.ts';
import type { WriteEffects } from './write-effects.ts';

/** What a cache understands writes by. */
export interface CacheWatchParts {
  readonly reader: TouchReader;
  readonly effects: WriteEffects;
  /** The tables that are cached. */
  readonly tables: ReadonlyMap<string, TaggedTable>;
  /** The tables that nobody caches, by `tableName`. */
  readonly uncached: ReadonlySet<string>;
  readonly changes: CacheChanges;
  /** Statements that are committed with a change. */
  readonly accompany: (slots: readonly number[]) => readonly CompiledQuery[];
  /** Forgets the effects, and reads them anew. Never rejects. */
  readonly relearn: () => Promise<void>;
  /** Counts how often keys or groups of tables were named that were not before. */
  readonly namings: () => number;
}

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
    const { reader, uncached } = this.#parts;
    const touch = reader.touchedBy(query);
    return touch !== undefined && uncached.size > 0 && this.#isUncached(touch) ? undefined : touch;
  }

  accompany(touches: readonly Touch[]): readonly CompiledQuery[] {
    return this.#parts.accompany(this.#slotsOf(touches));
  }

  committing(touches: readonly Touch[]): HearOutcome {
    const { changes, effects, relearn } = this.#parts;
    const slots = this.#slotsOf(touches);
    const hear = changes.begin(slots, { isTold: true });
    if (!changesSchema(touches)) {
      const { namings } = this.#parts;
      const known = namings();
      return (outcome) => {
        const heard = hear(outcome);
        if (known === namings()) return heard;
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

  /** Who has named another key or group of the table while it was under way asks by slots that were none then. */
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

  #slotsOf(touches: readonly Touch[]): readonly number[] {
    const { tables, effects } = this.#parts;
    const tags = tagsOf(touches, tables, effects);
    return tags === undefined ? [everySlot] : slotsOf([...tags]);
  }
}
