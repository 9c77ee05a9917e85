// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export {
  createCache,
  RepositoryCache,
  type CacheInvalidation,
  type CacheStats,
  type InvalidateOptions,
} from './repository-cache.ts';
export { cached, cachedTarget } from './cached.ts';
export type { CachedOptions, CachedRead } from './cached-options.ts';
export type { CacheOptions } from './cache-options.ts';
export type { CacheExplanation } from './cache-explanation.ts';
export type { CacheRegionStats } from './cache-region.ts';
export { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';
export { NoStore } from './no-store.ts';
export { RedisStore } from './redis/redis-store.ts';
export type { RedisStoreEvent, RedisStoreOptions, RedisStoreStats } from './redis/redis-store-options.ts';
export { redisClient, type RedisClient, type RedisConnection } from './redis/redis-client.ts';
export type { PayloadPlace, PayloadSeal } from './redis/payload-seal.ts';
export { TieredStore } from './tiered-store.ts';
export type {
  CacheEntry,
  CacheMiss,
  CacheQuestion,
  CacheStore,
  CacheStoreContext,
  CacheStoreStats,
  RawAnswer,
} from './cache-store.ts';
export type { BusListener, InvalidationBus } from './invalidation-bus.ts';
export { postgresBus, type PostgresBusOptions } from './postgres-bus.ts';
export { dataVersionBus, type DataVersionBusOptions } from './data-version-bus.ts';
