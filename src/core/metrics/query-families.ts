import type { LatencyFigures } from './latency-histogram.ts';
import type { MetricFamily, MetricSample } from './metric-family.ts';
import type { QueryFigures } from './query-figures.ts';

/** Who counts queries; `QueryMetrics` fits. */
export interface QueryCounter {
  /** What was counted, by fingerprint. */
  queries(): readonly QueryFigures[];
}

type ShownLatency = Pick<LatencyFigures, 'count' | 'sum'> & Partial<LatencyFigures>;

interface ShownQuery extends Pick<QueryFigures, 'id' | 'operation' | 'rows' | 'errors'> {
  readonly wait: ShownLatency;
  readonly execution: ShownLatency;
}

/** The queries of one database. */
export interface NamedQueries {
  readonly database: string;
  readonly metrics: QueryCounter;
}

/** Whoever is not shown by itself. */
const rest = 'other';

/**
 * Which fingerprints were shown, by how many were to be. One that was shown is shown for ever: else the numbers of `other` would fall when one
 * of them comes into the first ranks, which Prometheus takes for a restart.
 */
const shown = new WeakMap<QueryCounter, Map<number, Set<string>>>();

/** What Prometheus is told of queries. @param top how many fingerprints of a database are shown by themselves */
export function queryFamilies(counters: readonly NamedQueries[], top: number): MetricFamily[] {
  const counted = counters.map(({ database, metrics }) => ({ database, ...sort(metrics, top) }));
  const samplesOf = (write: (query: ShownQuery, labels: Labels) => readonly MetricSample[]) =>
    counted.flatMap(({ database, alone, others }) => [
      ...alone.flatMap((query) =>
        write(query, { database, fingerprint: query.id, operation: query.operation }),
      ),
      ...others.flatMap((query) => write(query, { database, fingerprint: rest, operation: rest })),
    ]);
  return [
    {
      name: 'liminal_query_duration_seconds',
      type: 'summary',
      help: 'How long statements took by their fingerprint, without the wait for a connection; quantiles since the start.',
      samples: samplesOf((query, labels) => summarySamples(labels, query.execution)),
    },
    {
      name: 'liminal_query_wait_seconds',
      type: 'summary',
      help: 'How long statements waited for a connection or their turn; quantiles since the start.',
      samples: samplesOf((query, labels) => summarySamples(labels, query.wait)),
    },
    {
      name: 'liminal_query_rows_total',
      type: 'counter',
      help: 'Rows that came back.',
      samples: samplesOf(({ rows }, labels) => [{ labels, value: rows }]),
    },
    {
      name: 'liminal_query_errors_total',
      type: 'counter',
      help: 'Statements that failed, by the code of the error.',
      samples: counted.flatMap(({ database, alone, others }) =>
        Array.from(addErrors([...alone, ...others]), ([code, value]) => ({
          labels: { database, code },
          value,
        })),
      ),
    },
  ];
}

type Labels = Readonly<Record<string, string>>;

function sort(
  metrics: QueryCounter,
  top: number,
): { readonly alone: readonly ShownQuery[]; readonly others: readonly ShownQuery[] } {
  const queries = metrics.queries();
  const ids = new Set(queries.map(({ id }) => id));
  // Behind a reset the others may have their places.
  const byTop = shown.get(metrics) ?? new Map<number, Set<string>>();
  shown.set(metrics, byTop);
  const chosen = new Set([...(byTop.get(top) ?? [])].filter((id) => ids.has(id)));
  for (const { id } of queries.toSorted((one, other) => other.calls - one.calls)) {
    if (chosen.size >= top) break;
    if (id !== rest) chosen.add(id);
  }
  byTop.set(top, chosen);
  const others = queries.filter(({ id }) => !chosen.has(id));
  return {
    alone: queries.filter(({ id }) => chosen.has(id)),
    others: others.length === 0 ? [] : [addQueries(others)],
  };
}

function addQueries(queries: readonly QueryFigures[]): ShownQuery {
  const sum = (read: (query: QueryFigures) => number) =>
    queries.reduce((total, query) => total + read(query), 0);
  return {
    id: rest,
    operation: rest,
    rows: sum(({ rows }) => rows),
    errors: Object.fromEntries(addErrors(queries)),
    wait: { count: sum(({ wait }) => wait.count), sum: sum(({ wait }) => wait.sum) },
    execution: {
      count: sum(({ execution }) => execution.count),
      sum: sum(({ execution }) => execution.sum),
    },
  };
}

/** The quantiles of several queries cannot be made of those of each: `other` has none. */
function summarySamples(labels: Labels, { count, sum, p50, p95, p99 }: ShownLatency): MetricSample[] {
  const quantiles = Object.entries({ '0.5': p50, '0.95': p95, '0.99': p99 }).flatMap(([quantile, value]) =>
    value === undefined ? [] : [{ labels: { ...labels, quantile }, value: value / 1_000 }],
  );
  return [
    ...quantiles,
    { suffix: '_sum', labels, value: sum / 1_000 },
    { suffix: '_count', labels, value: count },
  ];
}

function addErrors(queries: readonly Pick<QueryFigures, 'errors'>[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { errors } of queries) {
    for (const [code, count] of Object.entries(errors)) sums.set(code, (sums.get(code) ?? 0) + count);
  }
  return sums;
}
