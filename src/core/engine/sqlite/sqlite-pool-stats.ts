import { addSpreads } from '../../foundation/duration-buckets.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';

type Counts = Pick<
  PoolStats,
  'size' | 'busy' | 'waiting' | 'longestWait' | 'waits' | 'created' | 'retired' | 'timeouts' | 'acquired'
>;

/** What lanes count together. */
export function sumCounts(lanes: readonly Counts[]): Counts & Pick<PoolStats, 'idle'> {
  const sum = (count: (counts: Counts) => number) =>
    lanes.reduce((total, counts) => total + count(counts), 0);
  const size = sum((counts) => counts.size);
  const busy = sum((counts) => counts.busy);
  return {
    size,
    busy,
    idle: size - busy,
    waiting: sum((counts) => counts.waiting),
    longestWait: Math.max(...lanes.map((counts) => counts.longestWait)),
    waits: addSpreads(lanes.map((counts) => counts.waits)),
    created: sum((counts) => counts.created),
    retired: sum((counts) => counts.retired),
    timeouts: sum((counts) => counts.timeouts),
    acquired: sum((counts) => counts.acquired),
  };
}
