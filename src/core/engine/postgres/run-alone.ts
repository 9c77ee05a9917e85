import { mayBeApplied, outcomeUnknown } from './commit-outcome.ts';
import type { WireResult } from './postgres-exchange.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';
import { withoutStaleStatements } from './stale-statements.ts';

/**
 * Runs one statement that is its own transaction, unless SQL has begun one in the session by hand. Where it
 * was prepared and the server knows nothing of that any more it is prepared anew.
 *
 * @param mayWrite whether a lost answer leaves it open what was applied
 * @throws CommitOutcomeUnknownError where a write was sent and its answer was lost
 */
export async function runAlone(
  session: PostgresSession,
  statement: SessionStatement,
  mayWrite: boolean,
): Promise<WireResult> {
  if (session.transaction !== 'none') return session.run(statement);
  const lostBefore = session.isLost;
  try {
    return await withoutStaleStatements(() => session.run(statement));
  } catch (error) {
    if (mayWrite && !lostBefore && mayBeApplied(error)) throw outcomeUnknown('a write was sent', error);
    throw error;
  }
}
