import type { CompiledQuery, QueryResult } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { StatementOptions } from '../engine/statement-options.ts';
import type { Clock } from '../foundation/clock.ts';
import { StatementTiming } from '../foundation/statement-timing.ts';
import { noteAnswer, queryChannel, traceWork, type QueryTrace } from '../foundation/tracing-channels.ts';

/** Traces what goes past Kysely. Where the channel has no subscribers it asks that and nothing else. */
export class TracedExecutor implements DirectExecutor {
  readonly #inner: DirectExecutor;
  readonly #clock: Clock;

  /** @param clock times the waits */
  constructor(inner: DirectExecutor, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    return queryChannel.hasSubscribers ? this.#trace(query, options) : this.#inner.execute(query, options);
  }

  batch(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[]> {
    return queryChannel.hasSubscribers && queries.length > 0
      ? this.#traceBatch(queries, timing)
      : this.#inner.batch(queries, timing);
  }

  #trace<Row>(query: CompiledQuery<Row>, options: StatementOptions | undefined): Promise<QueryResult<Row>> {
    const trace: QueryTrace = { sql: query.sql, kind: 'single', statements: 1, transaction: undefined };
    return this.#run(trace, options?.timing, async (timing) => {
      const answer = await this.#inner.execute(query, { ...options, timing });
      noteAnswer(trace, answer.rows, answer.numAffectedRows);
      return answer;
    });
  }

  #traceBatch(
    queries: readonly CompiledQuery[],
    timing: StatementTiming | undefined,
  ): Promise<readonly QueryResult<unknown>[]> {
    const sql = queries.map((query) => query.sql).join(';\n');
    const trace: QueryTrace = { sql, kind: 'batch', statements: queries.length, transaction: undefined };
    return this.#run(trace, timing, async (timed) => {
      const answers = await this.#inner.batch(queries, timed);
      for (const { rows, numAffectedRows } of answers) noteAnswer(trace, rows, numAffectedRows);
      return answers;
    });
  }

  #run<Result>(
    trace: QueryTrace,
    timing = new StatementTiming(this.#clock),
    work: (timing: StatementTiming) => Promise<Result>,
  ): Promise<Result> {
    return traceWork(queryChannel, trace, async () => {
      try {
        return await work(timing);
      } finally {
        trace.wait = timing.waitedUntil(this.#clock.monotonic());
      }
    });
  }
}
