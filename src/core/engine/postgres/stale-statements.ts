import { StalePreparedStatementError } from '../../foundation/errors/transaction-errors.ts';
import { copyWithoutValues, readDriverFields } from './postgres-error-fields.ts';
import type { PreparedStatement } from './prepared-statements.ts';
import type { StatementCatalog } from './statement-catalog.ts';

/** How often a statement is sent again before its error comes out; the last ones may go without a name. */
const attempts = 4;

/**
 * Recognises the errors by which the server says that a name means something else to it than to us: it does
 * not know it (26000), it has one already (42P05), or the table has changed so that the columns of the result
 * would (0A000, from one place in the server alone). The first two also come from a pooler in between that
 * hands every transaction to another session.
 *
 * @param error what the server said
 * @param prepared the statement that it was said of; undefined where that had no name
 * @param catalog is told, so that every session prepares anew
 * @returns the error to throw; undefined where it is any other
 */
export function staleStatementError(
  error: unknown,
  prepared: PreparedStatement | undefined,
  catalog: StatementCatalog,
): StalePreparedStatementError | undefined {
  if (prepared === undefined) return undefined;
  const { code } = readDriverFields(error);
  const isUnknown = code === '26000' || code === '42P05';
  if (!isUnknown && !(code === '0A000' && readRoutine(error) === 'RevalidateCachedQuery')) return undefined;
  catalog.noteStale(prepared.generation, isUnknown);
  return new StalePreparedStatementError(
    `A prepared statement is of no use any more (${code}): the server has forgotten it, or a table has changed. ` +
      'The transaction was rolled back; run it again.',
    { cause: copyWithoutValues(error) },
  );
}

/**
 * Runs work outside of any transaction again where a prepared statement was stale: it failed before it did
 * anything.
 */
export async function withoutStaleStatements<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StalePreparedStatementError) || attempt === attempts) throw error;
    }
  }
}

function readRoutine(error: unknown): unknown {
  return (error as { routine?: unknown }).routine;
}
