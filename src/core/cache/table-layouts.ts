import { everySlot, slotOf } from './stamps.ts';
import type { TaggedTable } from './tags-of.ts';
import { allListsTag, layoutTag, listTag, tableTag, toldApartTag } from './tags.ts';

/** The slots of a table by which processes find out that they tell its rows apart otherwise. */
interface Layout {
  readonly table: string;
  readonly whole: number;
  readonly lists: readonly [number, number];
  readonly toldApart: number;
  readonly own: number;
}

const none: readonly Layout[] = [];

// They fit into one message of every bus, so that none is parted from its table: one of Postgres carries 1,500 slots.
const mostMarks = 1_000;

/**
 * How this process tells rows of tables apart: by which keys and groups. Another one that knows others, as while a new version
 * is rolled out, moves no tags for those that it does not know. So each change that names rows also says by which keys and
 * groups it does.
 */
export class TableLayouts {
  /** By the slots of its lists, and by the one that each change has which names rows of it. */
  readonly #layouts = new Map<number, Layout[]>();

  /** @param table its `tableName`; what was told of it before is forgotten */
  set(table: string, { keys, groups }: TaggedTable): void {
    const layout: Layout = {
      table,
      whole: slotOf(tableTag(table)),
      lists: [slotOf(listTag(table)), slotOf(allListsTag(table))],
      toldApart: slotOf(toldApartTag(table)),
      own: slotOf(layoutTag(table, keys, groups)),
    };
    for (const slot of [...layout.lists, layout.toldApart]) {
      // Two tables may share a slot by chance.
      const others = this.#layouts.get(slot)?.filter((other) => other.table !== table) ?? [];
      this.#layouts.set(slot, [...others, layout]);
    }
  }

  /** Adds to a change of this process by which keys and groups it tells rows apart; a change of hundreds of tables is one of everything. */
  mark(slots: readonly number[]): readonly number[] {
    const marked = slots.flatMap((slot) =>
      this.#at(slot)
        .filter(({ lists }) => lists.includes(slot))
        .flatMap(({ toldApart, own }) => [slot, toldApart, own]),
    );
    // In front and side by side: a bus may tell of many slots by several messages.
    if (marked.length === 0) return slots;
    const marks = new Set(marked);
    return marks.size > mostMarks ? [everySlot] : [...new Set([...marks, ...slots])];
  }

  /**
   * Finds the tables of which another process has told a change by other keys or groups than those that are known here.
   *
   * @returns each with the slot of all of it; none where the change is one of everything
   */
  foreignIn(slots: readonly number[]): readonly { readonly table: string; readonly whole: number }[] {
    const moved = new Set(slots);
    if (moved.has(everySlot)) return [];
    return slots.flatMap((slot) =>
      this.#at(slot).filter(({ lists, toldApart, own, whole }) => {
        // Two slots at once: one alone may be that of something else, by chance.
        const isOfTable = toldApart === slot && lists.some((list) => moved.has(list));
        return isOfTable && !moved.has(own) && !moved.has(whole);
      }),
    );
  }

  #at(slot: number): readonly Layout[] {
    return this.#layouts.get(slot) ?? none;
  }
}
