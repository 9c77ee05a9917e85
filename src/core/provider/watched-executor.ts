import type { CompiledQuery, QueryResult } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { StatementOptions } from '../engine/statement-options.ts';
import type { StatementTiming } from '../foundation/statement-timing.ts';
import { unlessAborted } from '../foundation/within.ts';
import { writeAlone } from './write-alone.ts';
import { outcomeOfBatch, outcomeOfStatement } from './write-outcome.ts';
import type { WriteWatch } from './write-watch.ts';

/** The direct way of an engine, whose writes are watched. */
export class WatchedExecutor implements DirectExecutor {
  /** What is answered at once writes nothing. Absent where the inner one has none. */
  readonly tryExecute?: NonNullable<DirectExecutor['tryExecute']>;
  readonly #inner: DirectExecutor;
  readonly #watch: WriteWatch;

  constructor(inner: DirectExecutor, watch: WriteWatch) {
    this.#inner = inner;
    this.#watch = watch;
    if (inner.tryExecute !== undefined) this.tryExecute = inner.tryExecute.bind(inner);
  }

  execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    if (this.#watch.isIdle) return this.#inner.execute(query, options);
    const touched = this.#watch.touchedBy(query);
    if (touched.length === 0) return this.#inner.execute(query, options);
    return writeAlone<Row>(this.#watch, touched, query, {
      send: <Each>(each: CompiledQuery<Each>) => this.#inner.execute<Each>(each, options),
      // A transaction hears no signal once it is sent: that frees the caller alone.
      together: async <First>(queries: readonly CompiledQuery[]) =>
        (
          await unlessAborted(this.#inner.batch(queries, options?.timing), options?.signal)
        )[0] as QueryResult<First>,
      signal: options?.signal,
      outcomeOf: outcomeOfStatement,
    });
  }

  batch(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[]> {
    if (this.#watch.isIdle) return this.#inner.batch(queries, timing);
    const touched = queries.flatMap((query) => this.#watch.touchedBy(query));
    if (touched.length === 0) return this.#inner.batch(queries, timing);
    const companions = this.#watch.accompany(touched);
    return this.#watch.settle(
      touched,
      async () => (await this.#inner.batch([...queries, ...companions], timing)).slice(0, queries.length),
      outcomeOfBatch,
    );
  }
}
