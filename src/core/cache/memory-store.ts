import { LRUCache } from 'lru-cache';
import type { Issue } from '../foundation/issue.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { CacheEntry, CacheMiss, CacheQuestion, CacheStore, CacheStoreStats } from './cache-store.ts';

/** How much a memory store keeps. */
export interface MemoryStoreOptions {
  /** The most entries, from 1 to 10,000,000; 10,000 by default. */
  readonly maxEntries?: number;
  /** The most bytes, as far as they can be estimated, from 1 to 2^40; 64 MiB by default. */
  readonly maxBytes?: number;
}

const miss: CacheMiss = Object.freeze({ isHit: false });
const mostEntries = 10_000_000;
const mostBytes = 2 ** 40;

interface RegionUse {
  bytes: number;
  evictions: number;
}

/**
 * Keeps answers in the memory of this process, those that were asked for last. It is bounded by entries and by bytes;
 * bytes are an estimate of what rows hold, not what V8 takes.
 *
 * @example
 * const cache = createCache(provider, { store: new MemoryStore({ maxBytes: 16 * 1024 * 1024 }) });
 */
export class MemoryStore implements CacheStore {
  /** Its name in explanations. */
  readonly tier = 'memory';
  readonly #entries: LRUCache<string, CacheEntry>;
  readonly #regions = new Map<string, RegionUse>();

  /**
   * @param options its bounds
   * @throws ValidationError with every fault of the options
   */
  constructor({ maxEntries = 10_000, maxBytes = 64 * 1024 * 1024 }: MemoryStoreOptions = {}) {
    const issues: Issue[] = [];
    checkBound('maxEntries', maxEntries, mostEntries, issues);
    checkBound('maxBytes', maxBytes, mostBytes, issues);
    if (issues.length > 0) throw new ValidationError(issues);
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: sizeOf,
      dispose: (entry, key, reason) => {
        const use = this.#useOf(entry.region);
        use.bytes -= sizeOf(entry, key);
        if (reason === 'evict') use.evictions += 1;
      },
    });
  }

  /**
   * @param key of a question
   * @returns what is kept under it, valid or not
   */
  at(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /**
   * @param question what is asked
   * @param stamp what its slots count now
   * @param now on the monotonic clock, in ms
   * @returns the entry, or a miss
   */
  read(question: CacheQuestion, stamp: number, now: number): CacheEntry | CacheMiss {
    const { key } = question;
    const entry = this.#entries.get(key);
    if (entry === undefined) return miss;
    if (entry.stamp === stamp && now < entry.staleUntil) return entry;
    // A later stamp was handed in by somebody who asked later.
    if (entry.stamp <= stamp) this.#entries.delete(key);
    return miss;
  }

  /**
   * @param question what was asked
   * @param entry its answer
   * @returns whether it is kept: not where it is larger than the store
   */
  store(question: CacheQuestion, entry: CacheEntry): boolean {
    const { key } = question;
    const kept = entry.isRemade || entry.raw === undefined ? entry : { ...entry, raw: undefined };
    this.#entries.set(key, kept);
    if (this.#entries.peek(key) !== kept) return false;
    this.#useOf(kept.region).bytes += sizeOf(kept, key);
    return true;
  }

  /**
   * @param question what is asked
   * @returns its entry, valid or not; it counts as unused
   */
  peek(question: CacheQuestion): CacheEntry | undefined {
    return this.#entries.peek(question.key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  /** @returns how much it keeps */
  stats(): CacheStoreStats {
    const regions = Object.fromEntries([...this.#regions].map(([region, use]) => [region, { ...use }]));
    return { entries: this.#entries.size, bytes: this.#entries.calculatedSize, regions };
  }

  #useOf(region: string): RegionUse {
    let use = this.#regions.get(region);
    if (use === undefined) this.#regions.set(region, (use = { bytes: 0, evictions: 0 }));
    return use;
  }
}

/** With its key, which the caller has made as long as it is. */
function sizeOf({ bytes }: CacheEntry, key: string): number {
  return bytes + 2 * key.length;
}

function checkBound(name: string, value: unknown, most: number, issues: Issue[]): void {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= most) return;
  issues.push({ path: [name], message: `must be an integer from 1 to ${most}` });
}
