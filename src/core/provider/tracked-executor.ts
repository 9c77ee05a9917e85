import type { CompiledQuery, QueryResult } from 'kysely';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { StatementOptions } from '../engine/statement-options.ts';
import { isAlone, requireOutside, type TrackedDatabase } from './transaction-context.ts';

/** The direct way of a root handle: inside of a running transaction it is closed. */
export class TrackedExecutor implements DirectExecutor {
  readonly #inner: DirectExecutor;
  readonly #database: TrackedDatabase;

  /** @param database whose transactions are looked for */
  constructor(inner: DirectExecutor, database: TrackedDatabase) {
    this.#inner = inner;
    this.#database = database;
  }

  execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    return isAlone() ? this.#inner.execute(query, options) : this.#executeOutside(query, options);
  }

  async batch(queries: readonly CompiledQuery[]): Promise<readonly QueryResult<unknown>[]> {
    requireOutside(this.#database);
    return this.#inner.batch(queries);
  }

  async #executeOutside<Row>(
    query: CompiledQuery<Row>,
    options: StatementOptions | undefined,
  ): Promise<QueryResult<Row>> {
    requireOutside(this.#database);
    return this.#inner.execute(query, options);
  }
}
