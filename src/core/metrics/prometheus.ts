import type { EngineGauges } from '../engine/engine-gauges.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import { createHttpEndpoint, type HttpEndpoint } from '../foundation/http-endpoint.ts';
import type { Issue } from '../foundation/issue.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import { cacheFamilies, type CacheCounter } from './cache-families.ts';
import { engineFamilies } from './engine-families.ts';
import { writeFamilies } from './metric-family.ts';
import { poolFamilies } from './pool-families.ts';
import { queryFamilies, type QueryCounter } from './query-families.ts';

/** The part of a provider that Prometheus is told of; `DatabaseProvider` fits. */
export interface GaugedProvider {
  /** The type of the engine. */
  readonly type: string;
  /** The state of the pool. */
  stats(): PoolStats;
  /** What the engine can tell of itself; absent where it cannot. */
  gauges?(): Promise<EngineGauges>;
}

/** What is told of one database. */
export interface MeasuredDatabase {
  /** Its pool and its engine. */
  readonly provider?: GaugedProvider;
  /** Its queries: what was handed to the provider as `metrics`. */
  readonly metrics?: QueryCounter;
  /** What is kept of it: what `createCache` gave, or `store.cache`. */
  readonly cache?: CacheCounter | undefined;
}

/** What Prometheus is told. */
export interface PrometheusOptions {
  /** Databases by the names that the label `database` has: 1 to 100 characters, well-formed Unicode. At most 100. */
  readonly databases: Readonly<Record<string, MeasuredDatabase>>;
  /** How many fingerprints of a database are shown by themselves, an integer from 0 to 1,000; 100 by default. */
  readonly topQueries?: number;
}

/** Where the endpoint is. */
export interface PrometheusEndpointOptions extends PrometheusOptions {
  /** The path that it answers. `/metrics` by default. */
  readonly path?: string;
}

/** The `content-type` of what `prometheusText` returns. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

const longestName = 100;
const mostDatabases = 100;
const mostQueries = 1_000;

/**
 * Writes what is known of pools, engines, queries and caches in the text format of Prometheus, version 0.0.4. Names begin with
 * `liminal_`, times are in seconds, sizes in bytes. No label holds SQL, a value, a host or a path: queries are named by
 * the ids of their fingerprints, of which `topQueries` are shown by themselves and the others together as `other`.
 * It keeps nothing but which fingerprints it has shown, waits for no connection, and does not reject for a database that is down.
 *
 * Who uses prom-client puts it behind the text of their registry: `${await registry.metrics()}${await prometheusText(…)}`.
 *
 * @param options the databases, and how many fingerprints are shown
 * @returns the text; its content type is `prometheusContentType`
 * @throws ValidationError with every fault of the options
 * @example
 * const text = await prometheusText({ databases: { chat: { provider, metrics, cache } } });
 */
export async function prometheusText(options: PrometheusOptions): Promise<string> {
  checkOptions(options);
  const { databases, topQueries = 100 } = options;
  const named = Object.entries(databases).map(([database, measured]) => ({ database, ...measured }));
  const served = named.flatMap(({ database, provider }) =>
    provider === undefined ? [] : [{ database, provider }],
  );
  const engines = await Promise.all(
    served.map(async ({ database, provider }) => ({
      database,
      engine: provider.type,
      gauges: await readGauges(provider),
    })),
  );
  return writeFamilies([
    ...queryFamilies(
      named.flatMap(({ database, metrics }) => (metrics === undefined ? [] : [{ database, metrics }])),
      topQueries,
    ),
    ...poolFamilies(served.map(({ database, provider }) => ({ database, stats: provider.stats() }))),
    ...engineFamilies(engines),
    ...cacheFamilies(
      named.flatMap(({ database, cache }) => (cache === undefined ? [] : [{ database, cache }])),
    ),
  ]);
}

/**
 * Makes the endpoint that Prometheus reads: for Node's `http`, Express, Connect and Fastify (`request.raw`,
 * `reply.raw`), and for Hono and fetch servers. It answers GET and HEAD, asks for no credentials, and holds figures of
 * the business: keep it off the open network.
 *
 * @param options as for `prometheusText`, and the path
 * @returns the endpoint
 * @throws ValidationError with every fault of the options
 * @example
 * app.use(prometheusEndpoint({ databases: { chat: { provider, metrics } } }));
 */
export function prometheusEndpoint(options: PrometheusEndpointOptions): HttpEndpoint {
  checkOptions(options);
  const { path = '/metrics', ...rest } = options;
  const answer = async () => ({
    status: 200,
    contentType: prometheusContentType,
    body: await prometheusText(rest),
  });
  return createHttpEndpoint((asked) => (asked === path ? answer : undefined));
}

/** A provider of ours does not reject; one that is brought along must not keep the others from being told of. */
async function readGauges(provider: GaugedProvider): Promise<EngineGauges> {
  try {
    return (await provider.gauges?.()) ?? {};
  } catch {
    return {};
  }
}

function checkOptions({ databases, topQueries = 0, path = '/' }: PrometheusEndpointOptions): void {
  const issues: Issue[] = [];
  const names = Object.keys(databases ?? {});
  if (names.length === 0 || names.length > mostDatabases) {
    issues.push({ path: ['databases'], message: `must name 1 to ${mostDatabases} databases` });
  }
  if (!names.every((name) => name !== '' && name.length <= longestName && name.isWellFormed())) {
    issues.push({
      path: ['databases'],
      message: `must have names of 1 to ${longestName} characters, in well-formed Unicode`,
    });
  }
  if (!Number.isInteger(topQueries) || topQueries < 0 || topQueries > mostQueries) {
    issues.push({ path: ['topQueries'], message: `must be an integer from 0 to ${mostQueries}` });
  }
  if (typeof path !== 'string' || !path.startsWith('/')) {
    issues.push({ path: ['path'], message: 'must begin with a slash' });
  }
  if (issues.length > 0) throw new ValidationError(issues);
}
