import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';
import type { Clock } from '../foundation/clock.ts';
import type { StatementListener } from '../foundation/statement-event.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/**
 * Tells a listener of the statements of one connection.
 *
 * @returns a connection that does the same as the other one
 */
export function observeConnection(
  connection: DatabaseConnection,
  listener: StatementListener,
  clock: Clock,
): DatabaseConnection {
  return {
    async executeQuery<Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> {
      const start = clock.monotonic();
      const { sql } = query;
      try {
        const result = await connection.executeQuery<Row>(query, options);
        listener({ sql, duration: clock.monotonic() - start, rows: result.rows.length });
        return result;
      } catch (error) {
        listener({ sql, duration: clock.monotonic() - start, error });
        throw error;
      }
    },
    async *streamQuery<Row>(
      query: CompiledQuery,
      chunkSize: number,
      options?: Options,
    ): AsyncIterableIterator<QueryResult<Row>> {
      const start = clock.monotonic();
      let failure: { readonly error: unknown } | undefined;
      try {
        yield* connection.streamQuery<Row>(query, chunkSize, options);
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        // Here, since a reader may have enough before the end.
        listener({ sql: query.sql, duration: clock.monotonic() - start, ...failure });
      }
    },
    // Kysely looks at whether these exist, so they exist only where the connection has them.
    ...(connection.cancelQuery && { cancelQuery: connection.cancelQuery.bind(connection) }),
    ...(connection.killSession && { killSession: connection.killSession.bind(connection) }),
    ...(connection.collectSessionInfo && {
      collectSessionInfo: connection.collectSessionInfo.bind(connection),
    }),
  };
}
