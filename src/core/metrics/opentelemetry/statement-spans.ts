import type { StatementEvent } from '../../foundation/statement-event.ts';
import { BatchGathering } from '../batch-gathering.ts';
import { epochTime } from './epoch-time.ts';
import { failureAttributes } from './failure-attributes.ts';
import {
  failedStatus,
  spanKind,
  type OpenTelemetryApi,
  type OtelAttributes,
  type OtelContext,
  type OtelHistogram,
  type OtelTracer,
} from './open-telemetry-api.ts';
import { quietly } from './quietly.ts';
import { nameStatements } from './statement-names.ts';
import type { TransactionSpans } from './transaction-spans.ts';

/** What the spans of statements are made of. */
export interface StatementSpansParts {
  readonly api: OpenTelemetryApi;
  /** Undefined where no spans are made. */
  readonly tracer: OtelTracer | undefined;
  /** `db.client.operation.duration`; undefined where no figures are made. */
  readonly durations: OtelHistogram | undefined;
  readonly transactions: TransactionSpans;
  /** Names the span of a statement whose text names nothing. */
  readonly system: string;
  /** Those of the database. */
  readonly attributes: OtelAttributes;
  /** Whether spans show the text of the statement. */
  readonly queryText: boolean;
  /** Whether only what has a span around it gets one. */
  readonly requireParent: boolean;
}

/**
 * Makes a span and a duration of each statement, and of each batch. It does so when the statement is over, in the async
 * context of who asked: so that one path is not forgotten, and the time of the statement has nothing of it.
 */
export class StatementSpans {
  readonly #parts: StatementSpansParts;
  readonly #batches = new BatchGathering();

  constructor(parts: StatementSpansParts) {
    this.#parts = parts;
  }

  readonly hear = (event: StatementEvent): void => quietly(this.#parts.api, () => this.#hear(event));

  #hear(event: StatementEvent): void {
    const { api, transactions } = this.#parts;
    const end = epochTime();
    const context = transactions.contextOf(event.transaction);
    if (event.kind === 'batch') {
      this.#batches.gather(event, () => (members) => quietly(api, () => this.#tell(members, end, context)));
    } else this.#tell([event], end, context);
  }

  /** @param members one, or those of a batch, which have their time and their failure in common */
  #tell(members: readonly StatementEvent[], end: number, context: OtelContext): void {
    const { api, tracer, durations, queryText, requireParent } = this.#parts;
    const { duration, error } = members[0]!;
    const names = nameStatements(members.map(({ sql }) => sql));
    const attributes = { ...this.#parts.attributes, ...names.attributes, ...failureAttributes(error) };
    durations?.record(duration / 1_000, attributes, context);
    if (tracer === undefined || (requireParent && api.trace.getSpan(context) === undefined)) return;
    const span = tracer.startSpan(
      names.summary === '' ? this.#parts.system : names.summary,
      {
        kind: spanKind.client,
        attributes: { ...attributes, ...(queryText && { 'db.query.text': names.text }), ...sizes(members) },
        startTime: end - duration,
      },
      context,
    );
    if (error !== undefined) span.setStatus(failedStatus);
    span.end(end);
  }
}

function sizes(members: readonly StatementEvent[]): OtelAttributes {
  const [{ kind, rows }] = members as readonly [StatementEvent];
  // The conventions have no batch of one.
  if (members.length > 1) return { 'db.operation.batch.size': members.length };
  return rows === undefined || kind === 'batch' ? {} : { 'db.response.returned_rows': rows };
}
