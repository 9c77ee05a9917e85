import type { TableDefinition } from '../repository/table-definition.ts';
import type { CacheQuestion } from './cache-store.ts';
import { everySlot, slotOf } from './stamps.ts';
import { namespaceTag } from './own-tags.ts';
import { tableName } from './tags.ts';

/** What a cache has done for one region since it was made. */
export interface CacheRegionStats {
  /** Answers that were kept and still fresh. */
  readonly hits: number;
  /** Questions that nothing was known of. Those who joined a load are among them. */
  readonly misses: number;
  /** Reads that were sent to the database for misses, and to renew what had grown old. */
  readonly loads: number;
  /** Misses that waited for the load of somebody else. */
  readonly joined: number;
  /** Loads that failed. */
  readonly failures: number;
  /** Answers that were past their age and given while they were read anew. */
  readonly staleServed: number;
  /** Questions that went past the cache: a commit that touches them was under way, or the bus was away. */
  readonly uncached: number;
  /** Answers that were not kept, since something had changed while they were read. */
  readonly refusedStores: number;
  /** Changes that made answers of the region invalid. */
  readonly invalidations: number;
  /** Answers that gave way to others. */
  readonly evictions: number;
  /** About how much memory its answers take. */
  readonly bytes: number;
}

/** What is counted as it happens. */
export type RegionCounts = {
  -readonly [Name in Exclude<keyof CacheRegionStats, 'evictions' | 'bytes'>]: number;
};

/** The answers that are counted and emptied together: those of a table, or of a namespace. */
export class CacheRegion {
  readonly name: string;
  readonly counts: RegionCounts = {
    hits: 0,
    misses: 0,
    loads: 0,
    joined: 0,
    failures: 0,
    staleServed: 0,
    uncached: 0,
    refusedStores: 0,
    invalidations: 0,
  };
  /** The slots by which changes of all of it are told. */
  readonly #markers: Set<number>;

  /** The table that it is about first. */
  readonly definition: TableDefinition;
  /** Whether a key names one row in it: not where it spans tables, or its rows have several keys. */
  hasOneKey = true;
  /** Makes the question for a row, of the repository that has asked first of late. */
  explain: ((key: readonly unknown[]) => CacheQuestion) | undefined;

  constructor(name: string, definition: TableDefinition) {
    this.name = name;
    this.definition = definition;
    this.#markers = new Set([everySlot, slotOf(namespaceTag(name))]);
  }

  /** Hears of a table that is counted under it. */
  admit({ table, key }: TableDefinition): void {
    const isSame =
      tableName(table) === tableName(this.definition.table) &&
      key.length === this.definition.key.length &&
      key.every(({ name }, at) => name === this.definition.key[at]?.name);
    this.hasOneKey &&= isSame;
  }

  /** Lets a change of these slots count as one of the region. */
  addMarkers(slots: readonly number[]): void {
    for (const slot of slots) this.#markers.add(slot);
  }

  /** Counts a change where it is one of the region. */
  noteChange(slots: readonly number[]): void {
    if (slots.some((slot) => this.#markers.has(slot))) this.counts.invalidations += 1;
  }
}
