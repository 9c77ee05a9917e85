import type { CompiledQuery, LogEvent, QueryResult } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { Clock } from '../foundation/clock.ts';
import type { StatementListener } from '../foundation/statement-event.ts';

/** Tells a listener of what goes past Kysely. It stands there only where somebody listens. */
export class ObservedExecutor implements DirectExecutor {
  readonly #inner: DirectExecutor;
  readonly #listener: StatementListener;
  readonly #clock: Clock;

  constructor(inner: DirectExecutor, listener: StatementListener, clock: Clock) {
    this.#inner = inner;
    this.#listener = listener;
    this.#clock = clock;
  }

  async execute<Row>(
    query: CompiledQuery<Row>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<QueryResult<Row>> {
    const [result] = await this.#time([query], async () => [await this.#inner.execute(query, options)]);
    return result!;
  }

  batch(queries: readonly CompiledQuery[]): Promise<readonly QueryResult<unknown>[]> {
    return this.#time(queries, () => this.#inner.batch(queries));
  }

  async #time<Row>(
    queries: readonly CompiledQuery[],
    run: () => Promise<readonly QueryResult<Row>[]>,
  ): Promise<readonly QueryResult<Row>[]> {
    const start = this.#clock.monotonic();
    const duration = () => this.#clock.monotonic() - start;
    let results: readonly QueryResult<Row>[];
    try {
      results = await run();
    } catch (error) {
      for (const { sql } of queries) this.#listener({ sql, duration: duration(), error });
      throw error;
    }
    queries.forEach(({ sql }, index) => {
      this.#listener({ sql, duration: duration(), rows: results[index]?.rows.length });
    });
    return results;
  }
}

/** Tells a listener of what goes through Kysely, as its `log`. */
export function observeKysely(listener: StatementListener): (event: LogEvent) => void {
  return (event) => {
    const { query, queryDurationMillis: duration } = event;
    listener({ sql: query.sql, duration, error: event.level === 'error' ? event.error : undefined });
  };
}
