import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** How long something took, in ms. */
export interface LatencyFigures {
  /** How many there are. */
  readonly count: number;
  /** All of them together. */
  readonly sum: number;
  /** On average; 0 where there is nothing. */
  readonly mean: number;
  /** Half of them took at most so long. Percentiles are exact to 1 %. */
  readonly p50: number;
  /** 95 of 100 took at most so long. */
  readonly p95: number;
  /** 99 of 100 took at most so long. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/** In µs. Two figures of up to an hour take 25 KB; with Node's own three figures it would be six times as much. */
const range = { lowest: 1, highest: 3_600_000_000, figures: 2 } as const;

/** How many are taken down before the histogram has them: its calls are dear one by one, and cheap in a row. */
const pageSize = 64;

/**
 * Latencies, in Node's own histogram, which counts whole microseconds from 1. What took no time at all, as most waits
 * do, is counted beside it, and the histogram is made with the first that took some: it has its size from the start.
 */
export class LatencyHistogram {
  #histogram: RecordableHistogram | undefined;
  /** What the histogram does not have yet, of which the first `#pending` count. */
  #page: Float64Array | undefined;
  #pending = 0;
  #count = 0;
  /** How many took no time. */
  #none = 0;
  #sum = 0;
  #max = 0;

  /** @param latency in ms; what is below 0 counts as 0 */
  record(latency: number): void {
    if (!(latency > 0)) {
      this.#none += 1;
      return;
    }
    this.#page ??= new Float64Array(pageSize);
    this.#page[this.#pending] = latency;
    this.#pending += 1;
    if (this.#pending === pageSize) this.#takeOver();
  }

  /** @returns the figures as of now */
  figures(): LatencyFigures {
    this.#takeOver();
    const count = this.#count + this.#none;
    return {
      count,
      sum: this.#sum,
      mean: count === 0 ? 0 : this.#sum / count,
      p50: this.#percentile(50),
      p95: this.#percentile(95),
      p99: this.#percentile(99),
      max: this.#max,
    };
  }

  #takeOver(): void {
    if (this.#pending === 0) return;
    const histogram = (this.#histogram ??= createHistogram(range));
    const page = this.#page as Float64Array;
    for (let at = 0; at < this.#pending; at += 1) {
      const latency = page[at] as number;
      this.#sum += latency;
      if (latency > this.#max) this.#max = latency;
      histogram.record(Math.min(range.highest, Math.max(range.lowest, Math.round(latency * 1_000))));
    }
    this.#count += this.#pending;
    this.#pending = 0;
  }

  #percentile(percent: number): number {
    if (this.#histogram === undefined) return 0;
    const rank = (percent / 100) * (this.#count + this.#none) - this.#none;
    if (rank <= 0) return 0;
    return Math.min(this.#max, this.#histogram.percentile((rank / this.#count) * 100) / 1_000);
  }
}
