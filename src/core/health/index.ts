// The runtime check comes first: an old Node must hear of it before a driver crashes in it.
import '../foundation/runtime.ts';
export { healthMigrations } from '../../../migrations/health/index.ts';
export type { HealthStatus } from '../foundation/health-status.ts';

// Alive, and ready
export { createHealth, type Health, type LiveReport } from './create-health.ts';
export type { HealthBudgets, HealthOptions, ReportSink } from './health-options.ts';
export type { HealthProvider } from './health-provider.ts';
export type { ReadyReport } from './readiness.ts';
export type { Budget } from './budget.ts';
export type { CheckFinding, CheckResult, HealthCheck } from './health-check.ts';

// For those who ask from outside
export { healthHandler, type HealthHandlerOptions } from './health-handler.ts';
export type { EndpointRequest, EndpointResponse, HttpEndpoint } from '../foundation/http-endpoint.ts';

// What was
export {
  HealthHistory,
  createHealthHistory,
  type HealthHistoryOptions,
  type HealthPageOptions,
} from './health-history.ts';
export type { HealthRecord } from './health-record.ts';
export type { HealthRetention } from './prune-history.ts';
