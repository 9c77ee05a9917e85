import { tracingChannel } from 'node:diagnostics_channel';

/** What subscribers of the tracing channel `liminal:query` are given, from its start to its end. Never a parameter. */
export interface QueryTrace {
  /** The text with its placeholders; the texts of a batch behind each other, each ending in `;` but the last. */
  readonly sql: string;
  /** Whether it went by itself, as a batch, or as a stream. */
  readonly kind: 'single' | 'batch' | 'stream';
  /** How many statements it is: 1, or those of a batch. */
  readonly statements: number;
  /** The number of its transaction, as in `liminal:transaction`; undefined outside of one. */
  readonly transaction: number | undefined;
  /** How long it waited for a connection or for its turn, in ms, as far as that is known; from its end on. */
  wait?: number;
  /** How many rows came back, of a stream those that were read; from its end on, where it did not fail. */
  rows?: number;
  /** How many rows it changed, where the engine tells; from its end on. */
  affected?: number;
  /** Why it failed. */
  error?: unknown;
}

/** What subscribers of the tracing channel `liminal:transaction` are given, from BEGIN to its end. */
export interface TransactionTrace {
  /** Its number in this process, from 1. */
  readonly transaction: number;
  /** How long it waited for its connection, in ms; on SQLite known once it has begun. */
  wait: number;
  /** How it ended; from its end on. */
  outcome?: 'committed' | 'rolled back';
  /** Why it could not begin, commit or roll back. */
  error?: unknown;
}

/** A trace that is under way. */
export interface OpenTrace {
  /** Ends it; harmless when it has ended. */
  end(): void;
  /** Ends it as failed; harmless when it has ended. */
  fail(error: unknown): void;
}

/** The part of a tracing channel that is used here: versions of `@types/node` name the types of the whole differently. */
interface TraceChannel<Trace extends object> {
  /** Whether anybody listens. */
  readonly hasSubscribers: boolean;
  /** Runs work, and publishes its start and its end. */
  tracePromise<Result>(work: () => Promise<Result>, trace: Trace): Promise<Result>;
}

/** The queries of all providers of this process. */
export const queryChannel: TraceChannel<QueryTrace> = tracingChannel('liminal:query');

/** The transactions of all providers of this process. */
export const transactionChannel: TraceChannel<TransactionTrace> = tracingChannel('liminal:transaction');

/**
 * Runs work as a trace. What the work gives is no part of the trace: Node would put it there, with every row in it.
 *
 * @param trace is completed by the work, before its end is published
 */
export async function traceWork<Trace extends object, Result>(
  channel: TraceChannel<Trace>,
  trace: Trace,
  work: () => Promise<Result>,
): Promise<Result> {
  let result: { readonly value: Result } | undefined;
  await channel.tracePromise(async () => {
    result = { value: await work() };
  }, trace);
  return result!.value;
}

/** Begins a trace whose end is told elsewhere. */
export function openTrace<Trace extends object>(channel: TraceChannel<Trace>, trace: Trace): OpenTrace {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Whoever is told of the failure as well is told elsewhere.
  channel.tracePromise(() => promise, trace).catch(() => {});
  return { end: resolve, fail: reject };
}

/** Adds an answer, or a chunk of one, to the trace of its query. */
export function noteAnswer(trace: QueryTrace, rows: readonly unknown[], affected: bigint | undefined): void {
  trace.rows = (trace.rows ?? 0) + rows.length;
  if (affected !== undefined) trace.affected = (trace.affected ?? 0) + Number(affected);
}
