import type { Clock } from '../../foundation/clock.ts';
import { askForXid, mayBeApplied, outcomeUnknown, rolledBack, settleLostCommit } from './commit-outcome.ts';
import type { ExchangeFailure, WireResult } from './postgres-exchange.ts';
import type { PostgresPool } from './postgres-pool.ts';
import { answerGrace } from './answer-limit.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';

/** A batch that is ready to be sent. */
export interface PostgresBatch {
  readonly statements: readonly SessionStatement[];
  /** Whether one of them may write. */
  readonly mayWrite: boolean;
  /** The longest that one statement may take, in ms; 0 is no limit. */
  readonly statementTimeout: number;
}

/**
 * Runs statements as one transaction in one go: BEGIN, the statements and COMMIT under one Sync, so that the
 * server skips whatever is behind one that fails, COMMIT included. Before COMMIT it is asked for the number
 * of the transaction, and to send that at once, so that the outcome can be asked for where no reply comes.
 *
 * @returns what each statement gave
 * @throws the error of the statement that failed; nothing is applied then
 * @throws ConnectionError where the connection was lost and nothing is applied
 * @throws CommitOutcomeUnknownError where the connection was lost and nobody can tell
 */
export async function runBatch(
  session: PostgresSession,
  { statements, mayWrite, statementTimeout }: PostgresBatch,
  pool: PostgresPool,
  clock: Clock,
): Promise<readonly WireResult[]> {
  const count = statements.length;
  const lostBefore = session.isLost;
  let failure: ExchangeFailure | undefined;
  let results: readonly WireResult[];
  try {
    results = await session.runAll(
      [{ text: 'begin' }, ...statements, ...(mayWrite ? [askForXid] : []), { text: 'commit' }],
      {
        flushAfter: mayWrite ? count + 2 : 0,
        // As long as the statements might take one by one: the server counts each by itself.
        limit: statementTimeout === 0 ? 0 : statementTimeout * count + answerGrace,
        onFailure: (met) => (failure = met),
      },
    );
  } catch (error) {
    if (session.transaction !== 'none') await session.rollBack();
    if (lostBefore || failure === undefined || !mayBeApplied(error)) throw error;
    if (!mayWrite) throw rolledBack(error);
    const xid = failure.results[count + 1]?.rows[0]?.['xid'] as string | null | undefined;
    if (xid === null) throw rolledBack(error);
    if (xid === undefined) throw outcomeUnknown('a batch was sent', error);
    await settleLostCommit(pool, clock, { xid, incarnation: session.incarnation, cause: error });
    results = failure.results;
  }
  const answers = results.slice(1, count + 1);
  for (const answer of answers) session.requireReadable(answer);
  return answers;
}
