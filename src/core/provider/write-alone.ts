import type { CompiledQuery, QueryResult } from 'kysely';
import { firstWordOf } from '../engine/transaction-control.ts';
import { outcomeOfBatch } from './write-outcome.ts';
import type { Touched, WriteOutcome, WriteWatch } from './write-watch.ts';

/** Runs statements as one transaction. @returns the result of the first */
export type LoneWrite = <Row>(
  queries: readonly [CompiledQuery, ...CompiledQuery[]],
) => Promise<QueryResult<Row>>;

/** How a statement that stands alone is sent. */
export interface LoneWriteOptions {
  readonly send: <Row>(query: CompiledQuery<Row>) => Promise<QueryResult<Row>>;
  /** How it becomes a transaction; undefined where it may stand in one already. */
  readonly together: LoneWrite | undefined;
  readonly signal: AbortSignal | undefined;
  readonly outcomeOf: (error: unknown) => WriteOutcome;
}

/**
 * Sends a statement that takes effect by itself, with what accompanies it: in one transaction, where a statement of its
 * kind may stand in one; else behind it.
 */
export async function writeAlone<Row>(
  watch: WriteWatch,
  touched: readonly Touched[],
  query: CompiledQuery<Row>,
  { send, together, signal, outcomeOf }: LoneWriteOptions,
): Promise<QueryResult<Row>> {
  const companions = watch.accompany(touched);
  const runTogether = companions.length > 0 && changesRows(query.sql) ? together : undefined;
  if (runTogether !== undefined) signal?.throwIfAborted();
  const hear = watch.begin(touched);
  let result: QueryResult<Row>;
  let isDone = false;
  try {
    if (runTogether === undefined) {
      result = await send(query);
      isDone = true;
      for (const companion of companions) await send(companion);
    } else result = await runTogether<Row>([query, ...companions]);
  } catch (error) {
    // What fails behind it undoes nothing of it.
    const outcomeOfError = runTogether === undefined ? outcomeOf : outcomeOfBatch;
    await hear(isDone ? 'kept' : signal?.aborted === true ? 'unknown' : outcomeOfError(error));
    throw error;
  }
  // A driver may resolve what its caller aborted, and say nothing of what became of it.
  await hear(signal?.aborted === true ? 'unknown' : 'kept');
  return result;
}

const changing: ReadonlySet<string | undefined> = new Set([
  'insert',
  'update',
  'delete',
  'replace',
  'merge',
  'with',
  'select',
]);

/** Whether a statement is of a kind that may stand in any transaction. */
function changesRows(sql: string): boolean {
  return changing.has(firstWordOf(sql));
}
