import type { CompiledQuery, QueryResult } from 'kysely';
import type { StatementTiming } from '../foundation/statement-timing.ts';
import type { StatementOptions } from './statement-options.ts';

/** When a statement ran that was answered at once, in ms as `performance.now` has it. */
export interface StatementSpan {
  start: number;
  end: number;
}

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
   * @param options `signal` ends the wait, and the statement itself where the engine can cancel one; `timing` is told
   *   while it waits
   * @returns as a Kysely connection would
   */
  execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>>;
  /**
   * Runs one statement on its own where that takes no wait at all, so that whoever times it needs no promise for it.
   * Optional: engines that answer later leave it out.
   *
   * @param span is filled where it ran: the engine has looked at the clock anyway, and that is dear for a small read
   * @returns undefined where nothing was done, and `execute` is to be asked
   * @throws as `execute` rejects
   */
  tryExecute?<Row>(query: CompiledQuery<Row>, span: StatementSpan): QueryResult<Row> | undefined;
  /**
   * Runs statements as one transaction that is known whole from the start: all or nothing.
   *
   * @param queries in their order; an empty list sends nothing
   * @param timing is told while the batch waits
   * @returns their results, in the same order
   */
  batch(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[]>;
}
