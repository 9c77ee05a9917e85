import type { StatementEvent } from '../foundation/statement-event.ts';
import { errorCodeOf } from './error-code.ts';
import type { Fingerprint } from './fingerprint.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import type { QueryFigures } from './query-figures.ts';

/** Counts the statements with one fingerprint. */
export class QueryRecord {
  readonly #fingerprint: Fingerprint;
  readonly #errors = new Map<string, number>();
  readonly #wait = new LatencyHistogram();
  readonly #execution = new LatencyHistogram();
  readonly #firstSeen: number;
  #lastSeen: number;
  #calls = 0;
  #failures = 0;
  #rows = 0;
  #affected = 0;

  /** @param at when it is first seen, on the monotonic clock */
  constructor(fingerprint: Fingerprint, at: number) {
    this.#fingerprint = fingerprint;
    this.#firstSeen = at;
    this.#lastSeen = at;
  }

  add({ duration, wait, rows, affected, error }: StatementEvent, at: number): void {
    this.#calls += 1;
    this.#lastSeen = at;
    this.#wait.record(wait);
    this.#execution.record(duration - wait);
    if (rows !== undefined) this.#rows += rows;
    if (affected !== undefined) this.#affected += affected;
    if (error === undefined) return;
    this.#failures += 1;
    const code = errorCodeOf(error);
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  /** Adds rows of a statement that was counted already. */
  addRows(rows: number): void {
    this.#rows += rows;
  }

  /**
   * @param offset from the monotonic clock to that of the wall, in ms
   * @returns the figures as of now
   */
  figures(offset: number): QueryFigures {
    return {
      ...this.#fingerprint,
      calls: this.#calls,
      failures: this.#failures,
      errors: Object.fromEntries(this.#errors),
      rows: this.#rows,
      affected: this.#affected,
      wait: this.#wait.figures(),
      execution: this.#execution.figures(),
      firstSeen: Math.round(this.#firstSeen + offset),
      lastSeen: Math.round(this.#lastSeen + offset),
    };
  }
}
