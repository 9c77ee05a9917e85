import type { CompiledQuery, ControlConnectionProvider, DatabaseConnection, QueryResult } from 'kysely';
import type { StatementOptions } from '../engine/statement-options.ts';
import type { Clock } from '../foundation/clock.ts';
import { StatementTiming } from '../foundation/statement-timing.ts';
import type { TransactionListener } from '../foundation/telemetry.ts';
import {
  noteAnswer,
  openTrace,
  queryChannel,
  traceWork,
  transactionChannel,
  type OpenTrace,
  type QueryTrace,
  type TransactionTrace,
} from '../foundation/tracing-channels.ts';

/** What a traced connection is made with. */
export interface TracedConnectionOptions {
  readonly clock: Clock;
  /** How long its borrower has waited for it, in ms. */
  readonly wait: number;
  /** Hears of its transactions, beside the channel. */
  readonly listener: TransactionListener | undefined;
}

/** A connection that was lent while one of the channels had subscribers, or somebody listened to transactions. */
export class TracedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  /** The number of its transaction; undefined outside of one. */
  transaction: number | undefined;
  readonly #clock: Clock;
  readonly #listener: TransactionListener | undefined;
  /** How long its borrower has waited for it, in ms, until somebody has told of it. */
  #wait: number;
  #open: { readonly trace: TransactionTrace; readonly span: OpenTrace } | undefined;

  // Kysely looks at whether these exist, so they exist only where the inner connection has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  constructor(inner: DatabaseConnection, { clock, wait, listener }: TracedConnectionOptions) {
    this.inner = inner;
    this.#clock = clock;
    this.#wait = wait;
    this.#listener = listener;
    if (inner.cancelQuery) this.cancelQuery = inner.cancelQuery.bind(inner);
    if (inner.killSession) this.killSession = inner.killSession.bind(inner);
    if (inner.collectSessionInfo) this.collectSessionInfo = inner.collectSessionInfo.bind(inner);
  }

  executeQuery<Row>(query: CompiledQuery, options: StatementOptions = {}): Promise<QueryResult<Row>> {
    if (!queryChannel.hasSubscribers) return this.inner.executeQuery<Row>(query, options);
    const trace = this.#traceOf(query, 'single');
    const { timing, waited } = this.#time(options);
    return traceWork(queryChannel, trace, async () => {
      try {
        const answer = await this.inner.executeQuery<Row>(query, { ...options, timing } as object);
        noteAnswer(trace, answer.rows, answer.numAffectedRows);
        return answer;
      } finally {
        trace.wait = waited();
      }
    });
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options: StatementOptions = {},
  ): AsyncIterableIterator<QueryResult<Row>> {
    if (!queryChannel.hasSubscribers) {
      yield* this.inner.streamQuery<Row>(query, chunkSize, options);
      return;
    }
    const trace = this.#traceOf(query, 'stream');
    const { timing, waited } = this.#time(options);
    const span = openTrace(queryChannel, trace);
    try {
      for await (const chunk of this.inner.streamQuery<Row>(query, chunkSize, {
        ...options,
        timing,
      } as object)) {
        noteAnswer(trace, chunk.rows, undefined);
        yield chunk;
      }
    } catch (error) {
      span.fail(error);
      throw error;
    } finally {
      trace.wait = waited();
      // Here, since a reader may have enough before the end.
      span.end();
    }
  }

  /** Begins the trace of a transaction that is about to begin. @returns what is told of its waits; undefined without one */
  beginTrace(): StatementTiming | undefined {
    const transaction = this.transaction ?? 0;
    this.#listener?.begin(transaction);
    if (!transactionChannel.hasSubscribers) return undefined;
    const trace: TransactionTrace = { transaction, wait: this.#takeWait() };
    this.#open = { trace, span: openTrace(transactionChannel, trace) };
    return new StatementTiming(this.#clock);
  }

  /** Tells the trace how long beginning has waited: some engines take the connection only then. */
  noteBegun(timing: StatementTiming | undefined): void {
    if (timing !== undefined && this.#open !== undefined)
      this.#open.trace.wait += timing.waitedUntil(this.#clock.monotonic());
  }

  /** Ends it, where there is one. */
  endTrace(outcome: NonNullable<TransactionTrace['outcome']>): void {
    if (this.transaction !== undefined) this.#listener?.end(this.transaction, outcome);
    this.transaction = undefined;
    if (this.#open === undefined) return;
    this.#open.trace.outcome = outcome;
    this.#open.span.end();
    this.#open = undefined;
  }

  /** Ends it as failed, where there is one. What has become of it is not known. */
  failTrace(error: unknown): void {
    if (this.transaction !== undefined) this.#listener?.fail(this.transaction, error);
    this.#open?.span.fail(error);
    this.#open = undefined;
  }

  #traceOf({ sql }: CompiledQuery, kind: 'single' | 'stream'): QueryTrace {
    return { sql, kind, statements: 1, transaction: this.transaction };
  }

  /** Whoever times the statement already knows of the wait for the connection as well. */
  #time({ timing }: StatementOptions): { readonly timing: StatementTiming; readonly waited: () => number } {
    const before = this.#takeWait();
    const own = new StatementTiming(this.#clock);
    const now = () => this.#clock.monotonic();
    return timing === undefined
      ? { timing: own, waited: () => before + own.waitedUntil(now()) }
      : { timing, waited: () => timing.waitedUntil(now()) };
  }

  #takeWait(): number {
    const wait = this.#wait;
    this.#wait = 0;
    return wait;
  }
}

/**
 * Tells the trace of a transaction its number, before it begins.
 *
 * @param connection on which it will run; nothing happens where it is not traced
 */
export function numberTransaction(connection: DatabaseConnection, number: number): void {
  if (connection instanceof TracedConnection) connection.transaction = number;
}
