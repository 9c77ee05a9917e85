import type { Fingerprint } from './fingerprint.ts';
import type { LatencyFigures } from './latency-histogram.ts';

/** What is counted of statements. */
export interface StatementCounts {
  /** How many were run, failed ones included. */
  readonly calls: number;
  /** How many of them failed. */
  readonly failures: number;
  /**
   * Failures by their code: that of an error of this library, `ABORTED` and `TIMEOUT` for the reasons that an
   * AbortController and `AbortSignal.timeout` give, and `OTHER`.
   */
  readonly errors: Readonly<Record<string, number>>;
  /** Rows that came back. */
  readonly rows: number;
  /** Rows that were changed, as far as engines tell. */
  readonly affected: number;
}

/** The figures of the statements with one fingerprint. */
export interface QueryFigures extends Fingerprint, StatementCounts {
  /** For a connection, or for a turn on one. */
  readonly wait: LatencyFigures;
  /** The time behind the wait, up to the answer. */
  readonly execution: LatencyFigures;
  /** When the first one was heard of, in ms since the Unix epoch. */
  readonly firstSeen: number;
  /** When the last one was. */
  readonly lastSeen: number;
}

/** The figures of all statements together: the sums of those by fingerprint. */
export interface QueryTotals extends StatementCounts {
  /** Waiting, in ms. */
  readonly wait: number;
  /** Executing, in ms. */
  readonly execution: number;
}

/** What queries can be ranked by; times are those of execution, but for `wait`, which is all waiting together. */
export type QueryRank = 'total' | 'mean' | 'p95' | 'p99' | 'max' | 'calls' | 'errors' | 'rows' | 'wait';

/** @returns by how much a query ranks */
export const rankOf: Readonly<Record<QueryRank, (figures: QueryFigures) => number>> = {
  total: ({ execution }) => execution.sum,
  mean: ({ execution }) => execution.mean,
  p95: ({ execution }) => execution.p95,
  p99: ({ execution }) => execution.p99,
  max: ({ execution }) => execution.max,
  calls: ({ calls }) => calls,
  errors: ({ failures }) => failures,
  rows: ({ rows }) => rows,
  wait: ({ wait }) => wait.sum,
};
