import type { TransactionListener } from '../../foundation/telemetry.ts';
import { epochTime } from './epoch-time.ts';
import { failureAttributes } from './failure-attributes.ts';
import { quietly } from './quietly.ts';
import {
  failedStatus,
  spanKind,
  type OpenTelemetryApi,
  type OtelAttributes,
  type OtelContext,
  type OtelSpan,
  type OtelTracer,
} from './open-telemetry-api.ts';

interface OpenSpan {
  readonly span: OtelSpan;
  /** What was active around the transaction. */
  readonly around: OtelSpan | undefined;
}

/** What the spans of transactions are made of. */
export interface TransactionSpansParts {
  readonly api: OpenTelemetryApi;
  readonly tracer: OtelTracer;
  /** Those of the database. */
  readonly attributes: OtelAttributes;
  /** Whether only what has a span around it gets one. */
  readonly requireParent: boolean;
}

/** Makes a span of each transaction, from BEGIN to its end. Statements and spans inside are its children. */
export class TransactionSpans implements TransactionListener {
  readonly #parts: TransactionSpansParts;
  readonly #open = new Map<number, OpenSpan>();

  constructor(parts: TransactionSpansParts) {
    this.#parts = parts;
  }

  begin(transaction: number): void {
    const { api, tracer, attributes, requireParent } = this.#parts;
    quietly(api, () => {
      const context = api.context.active();
      const around = api.trace.getSpan(context);
      if (requireParent && around === undefined) return;
      const options = { kind: spanKind.internal, attributes, startTime: epochTime() };
      this.#open.set(transaction, { span: tracer.startSpan('transaction', options, context), around });
    });
  }

  end(transaction: number, outcome: 'committed' | 'rolled back'): void {
    this.#finish(transaction, (span) => span.setAttribute('liminal.transaction.outcome', outcome));
  }

  fail(transaction: number, error: unknown): void {
    this.#finish(transaction, (span) => {
      for (const [name, value] of Object.entries(failureAttributes(error)))
        span.setAttribute(name, String(value));
      span.setStatus(failedStatus);
    });
  }

  runIn<Result>(transaction: number, work: () => Result): Result {
    const { api } = this.#parts;
    const span = this.#open.get(transaction)?.span;
    let inside: OtelContext | undefined;
    if (span !== undefined) quietly(api, () => (inside = api.trace.setSpan(api.context.active(), span)));
    return inside === undefined ? work() : api.context.with(inside, work);
  }

  /**
   * Finds what a statement of a transaction belongs to: a span that is active inside of it, else that of the
   * transaction, which is not active where Kysely runs the work.
   */
  contextOf(transaction: number | undefined): OtelContext {
    const { context, trace } = this.#parts.api;
    const active = context.active();
    const open = transaction === undefined ? undefined : this.#open.get(transaction);
    return open !== undefined && trace.getSpan(active) === open.around
      ? trace.setSpan(active, open.span)
      : active;
  }

  /** Its outcome stands, whatever becomes of its span. */
  #finish(transaction: number, describe: (span: OtelSpan) => void): void {
    const span = this.#open.get(transaction)?.span;
    if (span === undefined) return;
    this.#open.delete(transaction);
    const { api } = this.#parts;
    quietly(api, () => describe(span));
    quietly(api, () => span.end(epochTime()));
  }
}
