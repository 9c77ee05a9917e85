/**
 * The upper ends of the buckets, in ms: those that OpenTelemetry names for `db.client.operation.duration`, so that
 * figures of this library and of others can be laid beside each other.
 */
const durationBounds: readonly number[] = [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000];

/** How durations are spread. */
export interface DurationSpread {
  /** The upper ends of the buckets in ms, each included, from the smallest. */
  readonly bounds: readonly number[];
  /** How many durations lie in each bucket, and behind the last bound: one more than there are bounds. */
  readonly counts: readonly number[];
  /** How many there are. */
  readonly count: number;
  /** All of them together, in ms. */
  readonly sum: number;
}

/**
 * Counts durations by buckets of fixed size. The histogram of Node takes 22 KB and five times as long to record, and
 * does not say how many values lie below a bound, which is what Prometheus asks.
 */
export class DurationBuckets {
  readonly #counts: number[] = Array.from({ length: durationBounds.length + 1 }, () => 0);
  #sum = 0;

  /** @param duration in ms; what is below 0 counts as 0 */
  record(duration: number): void {
    const at = durationBounds.findIndex((bound) => duration <= bound);
    const bucket = at === -1 ? durationBounds.length : at;
    this.#counts[bucket]! += 1;
    this.#sum += Math.max(0, duration);
  }

  /** @returns a copy of the counts as of now */
  spread(): DurationSpread {
    const counts = [...this.#counts];
    return { bounds: durationBounds, counts, count: sumOf(counts), sum: this.#sum };
  }
}

/** @returns several spreads as one; where there is none, an empty one */
export function addSpreads(spreads: readonly DurationSpread[]): DurationSpread {
  const counts = Array.from({ length: durationBounds.length + 1 }, (_, at) =>
    sumOf(spreads.map((spread) => spread.counts[at] ?? 0)),
  );
  const sum = sumOf(spreads.map((spread) => spread.sum));
  return { bounds: durationBounds, counts, count: sumOf(counts), sum };
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
