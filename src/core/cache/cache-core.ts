import type { RunningTransaction } from '../provider/transaction-context.ts';
import type { Transactions } from '../provider/transactions.ts';
import type { TableDefinition } from '../repository/table-definition.ts';
import { CacheAnswers, type CacheLoader } from './cache-answers.ts';
import type { CheckedCacheOptions } from './cache-options.ts';
import { CacheRegion } from './cache-region.ts';
import type { CacheEntry, CacheQuestion } from './cache-store.ts';
import { slotsOf, Stamps } from './stamps.ts';
import { TableLayouts } from './table-layouts.ts';
import type { TaggedTable } from './tags-of.ts';
import { allListsTag, listTag, tableName, tableTag } from './tags.ts';

/** What a core works with. */
export interface CacheCoreParts extends Pick<
  CheckedCacheOptions,
  'store' | 'clock' | 'logger' | 'prefix' | 'schemaVersion' | 'uncached'
> {
  /** The handle that everybody reads by. */
  readonly db: object;
  readonly transactions: Transactions<unknown>;
  /** Keeps reads from being answered by a replica that is behind what was committed until now. */
  readonly noteForeign: () => void;
}

/** The part of a cache that its repositories work with; it is no part of its public face. */
export class CacheCore {
  readonly stamps = new Stamps();
  readonly regions = new Map<string, CacheRegion>();
  /** By `tableName`. */
  readonly tables = new Map<string, TaggedTable>();
  /** The tables whose writes nobody hears of, by `tableName`. */
  readonly uncached: ReadonlySet<string>;
  /** How the rows of the tables are told apart. */
  readonly layouts = new TableLayouts();
  /** Counts how often keys or groups of tables were named that were not before. */
  namings = 0;
  readonly #parts: CacheCoreParts;
  readonly #answers: CacheAnswers;

  constructor(parts: CacheCoreParts) {
    const { store, clock, logger, noteForeign } = parts;
    this.#parts = parts;
    this.uncached = new Set(parts.uncached.map(tableName));
    this.#answers = new CacheAnswers({ stamps: this.stamps, store, clock, logger, noteForeign });
  }

  /** Whether a handle is the one that everybody reads by. */
  isOf(handle: object): boolean {
    return handle === this.#parts.db;
  }

  /** @throws TransactionClosedError inside of one that was undone */
  findRunning(): RunningTransaction | undefined {
    return this.#parts.transactions.findRunning();
  }

  /** The region of a name, and its table, whose writes are told apart from now on. */
  regionOf(name: string, definition: TableDefinition, groups: readonly string[]): CacheRegion {
    const { table } = definition;
    const key = definition.key.map((column) => column.name);
    const known = this.tables.get(tableName(table)) ?? { keys: [], groups: [] };
    const isKnown = known.keys.some((other) => other.join() === key.join());
    if (!isKnown || groups.some((group) => !known.groups.includes(group))) {
      this.namings += 1;
      const named = {
        keys: isKnown ? known.keys : [...known.keys, key],
        groups: [...new Set([...known.groups, ...groups])],
      };
      this.tables.set(tableName(table), named);
      this.layouts.set(tableName(table), named);
    }
    let region = this.regions.get(name);
    if (region === undefined) this.regions.set(name, (region = new CacheRegion(name, definition)));
    region.admit(definition);
    region.addMarkers(slotsOf([tableTag(table), listTag(table), allListsTag(table)]));
    return region;
  }

  /** Counts a change. */
  noteChange(slots: readonly number[]): void {
    for (const region of this.regions.values()) region.noteChange(slots);
  }

  /** What the keys of all processes begin with. */
  sharedPrefix(namespace: string, shape: string, table: string): string {
    const { prefix, schemaVersion } = this.#parts;
    return [prefix, namespace, schemaVersion, shape, table].map((part) => encodeURIComponent(part)).join(':');
  }

  /** The entry of a key, where it is at hand, valid and fresh. */
  at(key: string): CacheEntry | undefined {
    return this.#answers.at(key);
  }

  /** Answers a question, by what is kept or by a load. */
  ask(question: CacheQuestion, loader: CacheLoader): Promise<unknown> {
    return this.#answers.ask(question, loader);
  }
}

const cores = new WeakMap<object, CacheCore>();

/** Lets `coreOf` find the core of a cache. */
export function bindCore(cache: object, core: CacheCore): void {
  cores.set(cache, core);
}

/** @returns undefined where it is no cache */
export function coreOf(cache: object): CacheCore | undefined {
  return cores.get(cache);
}
