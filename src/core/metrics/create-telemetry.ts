import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { assertNodeVersion } from '../foundation/runtime.ts';
import type { Telemetry } from '../foundation/telemetry.ts';
import { openTelemetry } from './opentelemetry/open-telemetry.ts';
import type { OpenTelemetryApi } from './opentelemetry/open-telemetry-api.ts';

/** What OpenTelemetry is told. */
export interface TelemetryOptions {
  /** Spans of statements, batches and transactions; true by default. `false` where another instrumentation makes them. */
  readonly spans?: boolean | undefined;
  /** The figures `db.client.operation.duration` and `db.client.connection.*`; true by default. */
  readonly metrics?: boolean | undefined;
  /** Whether spans show the statement, with `?` for each value; true by default. */
  readonly queryText?: boolean | undefined;
  /** Whether only what has a span around it gets one, such as nothing of a background job; false by default. */
  readonly requireParent?: boolean | undefined;
  /** The package `@opentelemetry/api`, for programs in which it cannot be found by its name. */
  readonly api?: OpenTelemetryApi | undefined;
}

/**
 * Tells OpenTelemetry of the statements, transactions and pools of providers, by its conventions for databases. It
 * exports nothing by itself: that is what the SDK of the application does, which must have been started before.
 *
 * No value of a statement is part of a span or a figure, nor one that was written into the text.
 *
 * @param options what is told, and by which API
 * @returns what is handed to providers as `telemetry`; one serves any number of them
 * @throws ConfigurationError where the package `@opentelemetry/api` is not there
 * @example
 * const telemetry = await createTelemetry();
 * const provider = DatabaseProviderFactory.createProvider<Tables>('sqlite:./app.db', { telemetry });
 */
export async function createTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  const { spans = true, metrics = true, queryText = true, requireParent = false } = options;
  const api = options.api ?? (await loadOpenTelemetry());
  return openTelemetry(api, { spans, metrics, queryText, requireParent });
}

async function loadOpenTelemetry(): Promise<OpenTelemetryApi> {
  assertNodeVersion();
  try {
    return await import('@opentelemetry/api');
  } catch (cause) {
    throw new ConfigurationError(
      'Telemetry needs the package @opentelemetry/api 1.9 or newer, which could not be loaded. Run: npm install @opentelemetry/api',
      { cause },
    );
  }
}
