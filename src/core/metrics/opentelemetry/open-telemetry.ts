import { watchDatabase, type DatabaseTelemetry, type Telemetry } from '../../foundation/telemetry.ts';
import { scopeName, type OpenTelemetryApi } from './open-telemetry-api.ts';
import { placeAttributes } from './place-attributes.ts';
import { PoolInstruments } from './pool-instruments.ts';
import { StatementSpans } from './statement-spans.ts';
import { TransactionSpans } from './transaction-spans.ts';

/** The buckets that the conventions name for `db.client.operation.duration`, in seconds. */
const boundaries: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** What is made of the statements, transactions and pools. */
export interface OpenTelemetryOptions {
  readonly spans: boolean;
  readonly metrics: boolean;
  readonly queryText: boolean;
  readonly requireParent: boolean;
}

/** Tells OpenTelemetry of the databases of one or several providers. */
export function openTelemetry(
  api: OpenTelemetryApi,
  { spans, metrics, queryText, requireParent }: OpenTelemetryOptions,
): Telemetry {
  const tracer = api.trace.getTracer(scopeName);
  const meter = metrics ? api.metrics.getMeter(scopeName) : undefined;
  const durations = meter?.createHistogram('db.client.operation.duration', {
    unit: 's',
    description: 'How long a statement took, from the call to the answer',
    advice: { explicitBucketBoundaries: [...boundaries] },
  });
  const pools = meter && new PoolInstruments(api, meter, boundaries);
  return {
    [watchDatabase](database): DatabaseTelemetry {
      const attributes = placeAttributes(database);
      const { system } = database;
      const transactions = new TransactionSpans({ api, tracer, attributes, requireParent });
      const statements = new StatementSpans({
        api,
        tracer: spans ? tracer : undefined,
        durations,
        transactions,
        system,
        attributes,
        queryText,
        requireParent,
      });
      return {
        hear: statements.hear,
        transactions: spans ? transactions : undefined,
        leases: pools?.watch(database),
      };
    },
  };
}
