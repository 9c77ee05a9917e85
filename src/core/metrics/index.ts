// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export type { CacheCounter, CacheFigures } from './cache-families.ts';
export { fingerprint, type Fingerprint } from './fingerprint.ts';
export type { LatencyFigures } from './latency-histogram.ts';
export { MetricsPlugin } from './metrics-plugin.ts';
export { observeKysely, type ObserveKyselyOptions } from './observe-kysely.ts';
export {
  prometheusContentType,
  prometheusEndpoint,
  prometheusText,
  type GaugedProvider,
  type MeasuredDatabase,
  type PrometheusEndpointOptions,
  type PrometheusOptions,
} from './prometheus.ts';
export type { QueryCounter } from './query-families.ts';
export type { EndpointRequest, EndpointResponse, HttpEndpoint } from '../foundation/http-endpoint.ts';
export type { QueryTrace, TransactionTrace } from '../foundation/tracing-channels.ts';
export type { QueryFigures, QueryRank, QueryTotals, StatementCounts } from './query-figures.ts';
export { createQueryMetrics, QueryMetrics, type QueryMetricsOptions } from './query-metrics.ts';
export { ConfigurationError } from '../foundation/errors/configuration-error.ts';
export { ValidationError } from '../foundation/errors/validation-error.ts';
export type { StatementEvent, StatementListener, StatementRecorder } from '../foundation/statement-event.ts';

// Slow queries and their plans
export { withSlowQueryThreshold } from '../foundation/slow-query-threshold.ts';
export type { PlanDanger } from './plan-dangers.ts';
export type { ExplainOptions } from './slow-query-plans.ts';

// OpenTelemetry
export { createTelemetry, type TelemetryOptions } from './create-telemetry.ts';
export type {
  OpenTelemetryApi,
  OtelAttributes,
  OtelContext,
  OtelHistogram,
  OtelInstrumentOptions,
  OtelMeter,
  OtelObservations,
  OtelSpan,
  OtelTracer,
} from './opentelemetry/open-telemetry-api.ts';
export type { Telemetry } from '../foundation/telemetry.ts';

// N+1
export { watchNPlusOne, type NPlusOneWatchOptions } from './n-plus-one-watch.ts';
export type { NPlusOneOptions } from './statement-repeats.ts';
