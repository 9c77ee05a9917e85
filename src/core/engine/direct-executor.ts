import type { CompiledQuery, QueryResult } from 'kysely';

/**
 * The shortest way of a compiled statement to the database, outside of any transaction of the caller. What
 * goes this way passes by Kysely's executor, so Kysely's plugins do not see it. Only errors of this library
 * leave it.
 */
export interface DirectExecutor {
  /**
   * Runs one statement on its own. Statements of callers who come at the same time may share a commit or a
   * round trip; each fails or succeeds for itself.
   *
   * @param query a compiled statement with its parameters
   * @param options `signal` ends the wait, and the statement itself where the engine can cancel one
   * @returns as a Kysely connection would
   */
  execute<Row>(
    query: CompiledQuery<Row>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<QueryResult<Row>>;
  /**
   * Runs statements as one transaction that is known whole from the start: all or nothing.
   *
   * @param queries in their order; an empty list sends nothing
   * @returns their results, in the same order
   */
  batch(queries: readonly CompiledQuery[]): Promise<readonly QueryResult<unknown>[]>;
}
