import type { DurationSpread } from '../foundation/duration-buckets.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import type { MetricFamily, MetricSample, MetricType } from './metric-family.ts';

/** The pool of one database. */
export interface NamedPool {
  readonly database: string;
  readonly stats: PoolStats;
}

/** What Prometheus is told of pools. */
export function poolFamilies(pools: readonly NamedPool[]): MetricFamily[] {
  const family = (name: string, type: MetricType, help: string, read: (stats: PoolStats) => number) => ({
    name: `liminal_pool_${name}`,
    type,
    help,
    samples: pools.map(({ database, stats }) => ({ labels: { database }, value: read(stats) })),
  });
  return [
    {
      name: 'liminal_pool_connections',
      type: 'gauge',
      help: 'Open connections by whether they are lent.',
      samples: pools.flatMap(({ database, stats: { busy, idle } }) => [
        { labels: { database, state: 'busy' }, value: busy },
        { labels: { database, state: 'idle' }, value: idle },
      ]),
    },
    family('connections_max', 'gauge', 'The most connections that may be open.', ({ max }) => max),
    family('waiting', 'gauge', 'Callers that wait for a connection.', ({ waiting }) => waiting),
    family('acquired_total', 'counter', 'Connections lent.', ({ acquired }) => acquired),
    family('connections_created_total', 'counter', 'Connections opened.', ({ created }) => created),
    family('connections_retired_total', 'counter', 'Connections closed.', ({ retired }) => retired),
    family('timeouts_total', 'counter', 'Callers that were turned away.', ({ timeouts }) => timeouts),
    family('leaks_total', 'counter', 'Connections held beyond pool.leakThreshold.', ({ leaks }) => leaks),
    family(
      'held_seconds_total',
      'counter',
      'How long connections were held that were given back.',
      ({ heldTime }) => heldTime / 1_000,
    ),
    family(
      'longest_hold_seconds',
      'gauge',
      'How long the connection is held that is held longest at the moment.',
      ({ longestHold }) => longestHold / 1_000,
    ),
    {
      name: 'liminal_pool_wait_seconds',
      type: 'histogram',
      help: 'How long callers waited for a connection who had to wait.',
      samples: pools.flatMap(({ database, stats: { waits } }) => histogramSamples({ database }, waits)),
    },
  ];
}

/** A spread in ms as a histogram in seconds. */
function histogramSamples(
  labels: Readonly<Record<string, string>>,
  { bounds, counts, count, sum }: DurationSpread,
): MetricSample[] {
  let below = 0;
  const buckets = bounds.map((bound, at) => {
    below += counts[at] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: String(bound / 1_000) }, value: below };
  });
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: sum / 1_000 },
    { suffix: '_count', labels, value: count },
  ];
}
