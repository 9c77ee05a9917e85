import type { CacheMiss, CacheStore, CacheStoreStats } from './cache-store.ts';

const miss: CacheMiss = Object.freeze({ isHit: false });

/**
 * Keeps nothing: every read goes to the database. For tests, and for an application that switches its cache off without
 * other code. Callers who come at the same time still share one load.
 *
 * @example
 * const cache = createCache(provider, { store: process.env['NO_CACHE'] ? new NoStore() : new MemoryStore() });
 */
export class NoStore implements CacheStore {
  /** Its name in explanations. */
  readonly tier = 'none';

  /** @returns a miss, whatever is asked */
  read(): CacheMiss {
    return miss;
  }

  /** @returns that nothing is kept */
  store(): boolean {
    return false;
  }

  /** @returns nothing */
  peek(): undefined {
    return undefined;
  }

  /** Has nothing to forget. */
  clear(): void {}

  /** @returns that nothing is kept */
  stats(): CacheStoreStats {
    return { entries: 0, bytes: 0, regions: {} };
  }
}
