/** What the tests of shared stores have in common: people behind a memory, and a server behind that. */
import { Redis } from 'ioredis';
import {
  MemoryStore,
  RedisStore,
  TieredStore,
  type CacheOptions,
  type InvalidationBus,
  type RedisStoreEvent,
  type RedisStoreOptions,
} from '../../../../src/core/cache/index.ts';
import type { DatabaseConfigInput, DatabaseProvider, ProviderOptions } from '../../../../src/core/index.ts';
import { openCached, type CachedDatabase, type CachedTables } from '../cached-fixture.ts';

export interface SharedDatabase extends CachedDatabase {
  readonly redis: RedisStore;
  /** What has happened to the store. */
  readonly events: readonly RedisStoreEvent[];
}

export interface SharedOptions {
  readonly prefix: string;
  readonly isNew?: boolean;
  /** Whether a memory stands in front. */
  readonly isTiered?: boolean;
  /** By default the server's own; null is none. */
  readonly bus?: ((provider: DatabaseProvider<CachedTables>, store: RedisStore) => InvalidationBus) | null;
  readonly store?: RedisStoreOptions;
  readonly cache?: CacheOptions;
  readonly terms?: NonNullable<Parameters<typeof openCached>[1]>['terms'];
  readonly provider?: ProviderOptions<CachedTables>;
}

export function makeClient(url: string): Redis {
  return new Redis(url, { lazyConnect: true });
}

/** @param server the address of one, or a client */
export async function openShared(
  config: DatabaseConfigInput,
  server: string | object,
  {
    prefix,
    isNew = true,
    isTiered = true,
    bus,
    store: storeOptions = {},
    cache = {},
    terms,
    provider = {},
  }: SharedOptions,
): Promise<SharedDatabase> {
  const events: RedisStoreEvent[] = [];
  const redis = new RedisStore(typeof server === 'string' ? makeClient(server) : server, {
    heartbeat: 1_000,
    // A busy machine must not look like a server that is away.
    timeLimit: 1_000,
    lockWait: 10_000,
    lockTime: 60_000,
    onEvent: (event) => events.push(event),
    ...storeOptions,
  });
  const store = isTiered ? new TieredStore(new MemoryStore(), redis) : redis;
  const opened = await openCached(config, {
    cache: { store, prefix, ...(bus === undefined && { bus: redis.bus() }), ...cache },
    ...(bus && { bus: (provided: DatabaseProvider<CachedTables>) => bus(provided, redis) }),
    ...(terms !== undefined && { terms }),
    provider,
    isNew,
  });
  return { ...opened, redis, events };
}

/** Waits until the server answers and its bus is heard. */
export async function listening({ redis, cache, people }: SharedDatabase): Promise<void> {
  await redis.ready();
  const id = crypto.randomUUID();
  for (;;) {
    await people.findById(id);
    if (redis.stats().isUp && (await cache.explain('people', id)).answer !== 'uncached') return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until what was sent to the server is done: the connection keeps the order. */
export async function settled(redis: RedisStore): Promise<void> {
  await redis.move([65_535]);
}
