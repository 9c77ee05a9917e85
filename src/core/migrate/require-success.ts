import type { CompiledQuery, DatabaseConnection, Kysely } from 'kysely';

type Options = Parameters<DatabaseConnection['executeQuery']>[1];

const savepointRollback = /^\s*rollback\s+(?:transaction\s+)?to\b/i;

/**
 * Does work in a transaction, and fails where one of its statements has failed, also where nobody awaited that
 * statement or its error was caught. Postgres refuses to commit such a transaction; SQLite would commit the
 * rest of it, and half a migration would count as done. A failure that was undone by a rollback to a savepoint
 * does not count.
 *
 * @param trx the transaction; it is not ended
 * @param work sends its statements through `trx`
 * @throws whatever the work threw, else the error of the first statement that failed
 */
export async function requireSuccess(trx: Kysely<any>, work: () => Promise<void>): Promise<void> {
  const executor = trx.getExecutor();
  const connection = await executor.provideConnection(async (held) => held);
  const execute: DatabaseConnection['executeQuery'] = connection.executeQuery.bind(connection);
  let failure: { readonly error: unknown } | undefined;
  connection.executeQuery = async <Row>(query: CompiledQuery, options?: Options) => {
    try {
      const result = await execute<Row>(query, options);
      if (savepointRollback.test(query.sql)) failure = undefined;
      return result;
    } catch (error) {
      failure ??= { error };
      throw error;
    }
  };
  try {
    await work();
    // A transaction hands its connection out in turns: this one comes behind what nobody awaited.
    await executor.provideConnection(async () => {});
  } finally {
    connection.executeQuery = execute;
  }
  if (failure !== undefined) throw failure.error;
}
