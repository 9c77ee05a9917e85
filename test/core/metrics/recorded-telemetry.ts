import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';

/** The SDK of OpenTelemetry, as an application has it, with what it would have sent. */
export class RecordedTelemetry {
  readonly #spans = new InMemorySpanExporter();
  readonly #figures = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#figures,
    exportIntervalMillis: 3_600_000,
  });

  /** Starts it, for the whole process. */
  start(): void {
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#spans)] }),
    );
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [this.#reader] }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  }

  async stop(): Promise<void> {
    await this.#reader.shutdown();
    trace.disable();
    metrics.disable();
    context.disable();
  }

  /** Forgets the spans so far. */
  forget(): void {
    this.#spans.reset();
  }

  /** The spans that have ended, in the order of their ends. */
  get spans(): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** Runs work in a span, and gives what became of it. */
  async inSpan(name: string, work: () => Promise<unknown>): Promise<ReadableSpan> {
    await trace.getTracer('test').startActiveSpan(name, async (span) => {
      try {
        await work();
      } finally {
        span.end();
      }
    });
    return this.spanNamed(name);
  }

  spanNamed(name: string): ReadableSpan {
    const span = this.spans.find((candidate) => candidate.name === name);
    if (span === undefined)
      throw new Error(`no span ${name}: ${this.spans.map((one) => one.name).join(', ')}`);
    return span;
  }

  /** What the spans are called whose parent is the given one. */
  childrenOf(parent: ReadableSpan): string[] {
    const { spanId } = parent.spanContext();
    return this.spans.filter((span) => span.parentSpanContext?.spanId === spanId).map(({ name }) => name);
  }

  /** The figures as of now, by their names. */
  async figures(): Promise<Map<string, MetricData>> {
    this.#figures.reset();
    await this.#reader.forceFlush();
    const last = this.#figures.getMetrics().at(-1);
    const found = (last?.scopeMetrics ?? []).flatMap(({ metrics: data }) => data);
    return new Map(found.map((data) => [data.descriptor.name, data]));
  }
}

/** @returns the points of a figure whose attributes hold the given ones */
export function pointsOf(
  data: MetricData | undefined,
  attributes: Readonly<Record<string, unknown>>,
): readonly DataPoint<unknown>[] {
  const wanted = Object.entries(attributes);
  const points = (data?.dataPoints ?? []) as readonly DataPoint<unknown>[];
  return points.filter((point) => wanted.every(([name, value]) => point.attributes[name] === value));
}

/** @returns a time of the SDK in ms */
export function milliseconds([seconds, nanoseconds]: ReadableSpan['startTime']): number {
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
