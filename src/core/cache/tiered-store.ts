import type {
  CacheEntry,
  CacheMiss,
  CacheQuestion,
  CacheStore,
  CacheStoreContext,
  CacheStoreStats,
} from './cache-store.ts';
import type { MemoryStore } from './memory-store.ts';

/**
 * A memory in front of a store that processes share: what is asked for often is at hand, and what another process has read
 * need not be read again. The memory of each has to hear of the others' changes by a bus.
 *
 * @example
 * const redis = new RedisStore(client);
 * const cache = createCache(provider, { store: new TieredStore(new MemoryStore(), redis), bus: redis.bus() });
 */
export class TieredStore implements CacheStore {
  readonly tier = 'memory';
  readonly #front: MemoryStore;
  readonly #back: CacheStore;
  /** Entries of the store behind that were put in front: those who have waited for one together are given the same one. */
  readonly #fetched = new WeakSet<CacheEntry>();

  /**
   * @param front keeps what this process asks for
   * @param back keeps what all ask for, such as a `RedisStore`
   */
  constructor(front: MemoryStore, back: CacheStore) {
    this.#front = front;
    this.#back = back;
  }

  open(context: CacheStoreContext): void {
    this.#back.open?.(context);
  }

  at(key: string): CacheEntry | undefined {
    return this.#front.at(key);
  }

  read(
    question: CacheQuestion,
    stamp: number,
    now: number,
  ): CacheEntry | CacheMiss | Promise<CacheEntry | CacheMiss> {
    const near = this.#front.read(question, stamp, now);
    if (near.isHit) return near;
    const far = this.#back.read(question, stamp, now);
    return far instanceof Promise
      ? far.then((found) => this.#fetch(question, found))
      : this.#fetch(question, far);
  }

  async store(question: CacheQuestion, entry: CacheEntry, fence: unknown): Promise<boolean> {
    // Where it is read anew for its age, the store behind wants to see what it had said.
    const isNear = this.#front.store(question, fence === undefined ? entry : { ...entry, fence });
    return (await this.#back.store(question, entry, fence)) || isNear;
  }

  giveUp(question: CacheQuestion, fence: unknown): void {
    this.#back.giveUp?.(question, fence);
  }

  async move(slots: readonly number[]): Promise<void> {
    await this.#back.move?.(slots);
  }

  async peek(question: CacheQuestion, stamp: number | undefined): Promise<CacheEntry | undefined> {
    const near = this.#front.peek(question);
    const isValid = near !== undefined && near.stamp === stamp;
    return isValid ? near : ((await this.#back.peek(question, stamp)) ?? near);
  }

  clear(): void {
    this.#front.clear();
    this.#back.clear();
  }

  stats(): CacheStoreStats {
    return this.#front.stats();
  }

  async close(): Promise<void> {
    await this.#back.close?.();
  }

  #fetch(question: CacheQuestion, found: CacheEntry | CacheMiss): CacheEntry | CacheMiss {
    if (found.isHit && !this.#fetched.has(found)) {
      this.#fetched.add(found);
      this.#front.store(question, { ...found, tier: this.tier });
    }
    return found;
  }
}
