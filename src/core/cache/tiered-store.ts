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
  /** Its name in explanations. */
  readonly tier = 'memory';
  /** The store behind, where other processes share that. */
  readonly shared?: CacheStore;
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
    if (back.shared !== undefined) this.shared = back.shared;
  }

  /**
   * Begins to work; the cache calls it.
   *
   * @param context the clock of ages, the logger, the prefix of shared names
   * @throws ValidationError where the store behind works for another cache already
   */
  open(context: CacheStoreContext): void {
    this.#back.open?.(context);
  }

  /**
   * Looks in the memory alone.
   *
   * @param key of a question
   * @returns the entry, valid or not; undefined where there is none
   */
  at(key: string): CacheEntry | undefined {
    return this.#front.at(key);
  }

  /**
   * Looks for an answer.
   *
   * @param question what is asked
   * @param stamp what its slots count now
   * @param now on the clock of ages, in ms
   * @returns a valid entry, or a miss; it never rejects
   */
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

  /**
   * Keeps an answer.
   *
   * @param question what was asked
   * @param entry the answer, with its row
   * @param fence as the miss had it
   * @returns whether it is kept; it never rejects
   */
  async store(question: CacheQuestion, entry: CacheEntry, fence: unknown): Promise<boolean> {
    // Where it is read anew for its age, the store behind wants to see what it had said.
    const isNear = this.#front.store(question, fence === undefined ? entry : { ...entry, fence });
    return (await this.#back.store(question, entry, fence)) || isNear;
  }

  /**
   * Hears that a load came to nothing, and lets others load.
   *
   * @param question what was asked
   * @param fence as the miss had it
   */
  giveUp(question: CacheQuestion, fence: unknown): void {
    this.#back.giveUp?.(question, fence);
  }

  /**
   * Makes invalid what depends on slots, for all who share the server.
   *
   * @param slots what has changed
   * @returns settles when the server has confirmed it, or when this process reads nothing there that depends on them; it
   *   never rejects
   */
  async move(slots: readonly number[]): Promise<void> {
    await this.#back.move?.(slots);
  }

  /**
   * Looks for an explanation.
   *
   * @param question what is asked
   * @param stamp as for `read`; undefined while one of its slots is closed
   * @returns the entry; undefined where there is none
   */
  async peek(question: CacheQuestion, stamp: number | undefined): Promise<CacheEntry | undefined> {
    const near = this.#front.peek(question);
    const isValid = near !== undefined && near.stamp === stamp;
    return isValid ? near : ((await this.#back.peek(question, stamp)) ?? near);
  }

  /** Forgets what is kept in this process. */
  clear(): void {
    this.#front.clear();
    this.#back.clear();
  }

  /** @returns what it keeps and has done */
  stats(): CacheStoreStats {
    return this.#front.stats();
  }

  /** Ends its connections. Never rejects. */
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
