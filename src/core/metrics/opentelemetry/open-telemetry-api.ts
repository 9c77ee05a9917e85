/**
 * What is used of the package `@opentelemetry/api`, by its shape: so that whoever does not have it needs no types of
 * it either.
 */
export interface OpenTelemetryApi {
  /** Makes spans. */
  readonly trace: {
    getTracer(name: string): OtelTracer;
    getSpan(context: OtelContext): OtelSpan | undefined;
    setSpan(context: OtelContext, span: OtelSpan): OtelContext;
  };
  /** Makes figures. */
  readonly metrics: { getMeter(name: string): OtelMeter };
  /** Hears of faults in spans and figures. */
  readonly diag: { error(message: string, ...facts: unknown[]): void };
  /** Knows what is active where code runs. */
  readonly context: {
    active(): OtelContext;
    with<Result>(context: OtelContext, work: () => Result): Result;
  };
}

/** What is active where code runs; it is handed on and never looked into. */
export interface OtelContext {
  /** What is kept under a key. */
  getValue(key: symbol): unknown;
}

/** What a span or a figure is told of what it stands for. */
export type OtelAttributes = Readonly<Record<string, string | number>>;

/** Makes spans. */
export interface OtelTracer {
  /** Begins a span below the one of the context. */
  startSpan(
    name: string,
    options?: { kind?: number; attributes?: OtelAttributes; startTime?: number },
    context?: OtelContext,
  ): OtelSpan;
}

/** A span. Times in ms since the Unix epoch. */
export interface OtelSpan {
  /** Tells of one thing more. */
  setAttribute(name: string, value: string): unknown;
  /** Says whether what it stands for has failed. */
  setStatus(status: { code: number }): unknown;
  /** Ends it. */
  end(time?: number): void;
}

/** Makes instruments. */
export interface OtelMeter {
  /** Makes an instrument for durations. */
  createHistogram(name: string, options: OtelInstrumentOptions): OtelHistogram;
  /** Makes an instrument for what goes up and down, and is asked for when figures are collected. */
  createObservableUpDownCounter(name: string, options: OtelInstrumentOptions): object;
  /** Makes one for what goes up alone. */
  createObservableCounter(name: string, options: OtelInstrumentOptions): object;
  /** Is called when the figures of these instruments are collected. */
  addBatchObservableCallback(read: (figures: OtelObservations) => void, instruments: object[]): void;
}

/** What an instrument is. */
export interface OtelInstrumentOptions {
  /** Of its values, such as `s`. */
  unit: string;
  /** What it counts. */
  description: string;
  /** Into which buckets durations are counted. */
  advice?: { explicitBucketBoundaries: number[] };
}

/** Counts durations, in seconds. */
export interface OtelHistogram {
  /** Counts a value. */
  record(value: number, attributes: OtelAttributes, context?: OtelContext): void;
}

/** Takes the figures of the moment. */
export interface OtelObservations {
  /** Tells the value of an instrument. */
  observe(instrument: object, value: number, attributes: OtelAttributes): void;
}

/** How spans and figures are named: what they come from. */
export const scopeName = 'liminal-data';

/** `SpanKind` of the API. */
export const spanKind = { internal: 0, client: 2 } as const;

/** `SpanStatusCode.ERROR` of the API. */
export const failedStatus = { code: 2 } as const;
