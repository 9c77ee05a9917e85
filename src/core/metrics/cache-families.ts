import type { MetricFamily } from './metric-family.ts';

/** What a cache has done for one of its regions. */
export interface CacheFigures {
  /** Answers that were kept and fresh. */
  readonly hits: number;
  /** Questions that nothing was known of. */
  readonly misses: number;
  /** Reads that were sent to the database. */
  readonly loads: number;
  /** Misses that waited for the load of somebody else. */
  readonly joined: number;
  /** Loads that failed. */
  readonly failures: number;
  /** Answers that were past their age and given while they were read anew. */
  readonly staleServed: number;
  /** Questions that went past the cache. */
  readonly uncached: number;
  /** Answers that were not kept. */
  readonly refusedStores: number;
  /** Changes that made answers invalid. */
  readonly invalidations: number;
  /** Answers that gave way to others. */
  readonly evictions: number;
  /** About how much memory the answers take. */
  readonly bytes: number;
}

/** The part of a cache that Prometheus is told of; what `createCache` gives fits. */
export interface CacheCounter {
  /** What it has done, by region, and what it keeps. */
  stats(): {
    readonly regions: Readonly<Record<string, CacheFigures>>;
    readonly entries: number;
    readonly bytes: number;
  };
}

/** The cache in front of one database. */
export interface NamedCache {
  readonly database: string;
  readonly cache: CacheCounter;
}

/** What Prometheus is told of caches. */
export function cacheFamilies(caches: readonly NamedCache[]): MetricFamily[] {
  const stats = caches.map(({ database, cache }) => ({ database, ...cache.stats() }));
  const regions = stats.flatMap(({ database, regions: all }) =>
    Object.entries(all).map(([region, figures]) => ({ labels: { database, region }, figures })),
  );
  const whole = (
    name: string,
    help: string,
    read: (each: (typeof stats)[number]) => number,
  ): MetricFamily => ({
    name: `liminal_cache_${name}`,
    type: 'gauge',
    help,
    samples: stats.map((each) => ({ labels: { database: each.database }, value: read(each) })),
  });
  const family = (name: string, help: string, read: (figures: CacheFigures) => number): MetricFamily => ({
    name: `liminal_cache_${name}`,
    type: name.endsWith('_total') ? 'counter' : 'gauge',
    help,
    samples: regions.map(({ labels, figures }) => ({ labels, value: read(figures) })),
  });
  return [
    {
      name: 'liminal_cache_questions_total',
      type: 'counter',
      help: 'Questions by what became of them: a kept answer, one past its age, a read, or a read past the cache.',
      samples: regions.flatMap(({ labels, figures: { hits, staleServed, misses, uncached } }) => [
        { labels: { ...labels, answer: 'hit' }, value: hits },
        { labels: { ...labels, answer: 'stale' }, value: staleServed },
        { labels: { ...labels, answer: 'miss' }, value: misses },
        { labels: { ...labels, answer: 'uncached' }, value: uncached },
      ]),
    },
    family(
      'loads_total',
      'Reads sent to the database, for misses and for what was past its age.',
      ({ loads }) => loads,
    ),
    family('joined_total', 'Misses that waited for the load of somebody else.', ({ joined }) => joined),
    family('load_failures_total', 'Loads that failed.', ({ failures }) => failures),
    family(
      'refused_stores_total',
      'Answers that were not kept, since something had changed while they were read.',
      ({ refusedStores }) => refusedStores,
    ),
    family('invalidations_total', 'Changes that made answers invalid.', ({ invalidations }) => invalidations),
    family('evictions_total', 'Answers that gave way to others.', ({ evictions }) => evictions),
    family('region_bytes', 'About how much memory the answers of a region take.', ({ bytes }) => bytes),
    whole('entries', 'Answers kept in this process.', ({ entries }) => entries),
    whole('bytes', 'About how much memory all answers take.', ({ bytes }) => bytes),
  ];
}
