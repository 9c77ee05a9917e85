import type { OpenTelemetryApi } from './open-telemetry-api.ts';

/** Calls what an application has put into OpenTelemetry. What it throws is told there, and breaks no statement. */
export function quietly(api: OpenTelemetryApi, call: () => void): void {
  try {
    call();
  } catch (error) {
    api.diag.error('liminal-data: a span or a figure could not be made', error);
  }
}
