/** The figures at the end of the demo: which queries took the time, and how the pool stands. */
import type { PoolStats } from '../src/core/index.ts';
import type { QueryMetrics } from '../src/core/metrics/index.ts';
import { alignRows, formatCount } from './demo-report.ts';

/** In characters; the rest of a longer statement is left out. */
const longestText = 64;

/** @returns the five queries that took the most time together, a line each */
export function describeQueries(metrics: QueryMetrics): string[] {
  const rows = metrics
    .top(5, 'total')
    .map(({ text, calls, execution }) => [
      text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text,
      `${formatCount(calls)} calls`,
      `${formatCount(Math.round(execution.sum))} ms`,
      `95 % within ${execution.p95.toFixed(2)} ms`,
    ]);
  return alignRows(rows);
}

/** @returns how the pool stands, and what it has done, in one line */
export function describePool({ size, max, created, acquired, waits, timeouts, leaks }: PoolStats): string {
  const opened = `${size} of at most ${max} connections open, ${created} opened`;
  const lent = `lent ${formatCount(acquired)} times, ${formatCount(waits.count)} of them waited for`;
  return `${opened}, ${lent}, ${timeouts} timed out, ${leaks} leaked`;
}
