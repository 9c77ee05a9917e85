import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep, type Clock } from '../../foundation/clock.ts';
import { CommitOutcomeUnknownError, ConnectionError } from '../../foundation/errors/connection-errors.ts';
import { readDriverFields } from './postgres-error-fields.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';
import { incarnation } from './postgres-session-setup.ts';

/** Asks for the number of the transaction, which it has once it has written. */
export const askForXid = {
  text: 'select pg_current_xact_id_if_assigned()::text as xid',
  values: [],
  prepare: true,
} as const;

/** A transaction whose COMMIT was not answered. */
export interface LostCommit {
  /** Its number; undefined where none was learned. */
  readonly xid: string | undefined;
  /** Which life of the server it ran in. */
  readonly incarnation: string | undefined;
  /** How the connection was lost. */
  readonly cause: unknown;
}

/** What the server is asked beside its pool. */
export type OutcomeSource = Pick<PostgresPool, 'withSessionBeside' | 'acquireTimeout'>;

/**
 * Finds out what became of a transaction whose COMMIT was not answered, from another connection.
 *
 * A backend that has not heard of the end of its connection is ended here, since nobody can reach it any more
 * and it holds its locks; then its transaction is aborted, unless the COMMIT was done already.
 *
 * A server that comes back from a crash may give the same number to another transaction, where nothing of the
 * first one had reached the disk: then "committed" is not believed.
 *
 * @returns where the transaction is committed
 * @throws ConnectionError (retryable) where it was rolled back
 * @throws CommitOutcomeUnknownError where nobody can tell within `pool.acquireTimeout`
 */
export async function settleLostCommit(
  source: OutcomeSource,
  clock: Clock,
  { xid, incarnation: life, cause }: LostCommit,
): Promise<void> {
  const status = xid === undefined ? undefined : await askUntilKnown(source, clock, xid, life);
  if (status === 'committed') return;
  if (status === 'aborted') throw rolledBack(cause);
  throw outcomeUnknown('COMMIT was sent', cause, xid);
}

/** The error for work that was sent and not answered, and that nobody can ask about. */
export function outcomeUnknown(what: string, cause: unknown, xid?: string): CommitOutcomeUnknownError {
  return new CommitOutcomeUnknownError(
    `The connection was lost after ${what}: the work may or may not be applied. Read back before doing it again.`,
    { cause, xid },
  );
}

/** The error for a transaction that is known to have had no effect. */
export function rolledBack(cause: unknown): ConnectionError {
  return new ConnectionError(
    'The connection was lost, and the transaction was rolled back: nothing of it was applied. Run it again.',
    { cause },
  );
}

/**
 * Whether work may have been applied although an error came in place of its answer: the connection was lost,
 * and not by a word of the server that says that it has given up.
 */
export function mayBeApplied(error: unknown): boolean {
  if (!(error instanceof ConnectionError)) return false;
  const { code } = readDriverFields(error.cause);
  return code === undefined || !givenUp.has(code);
}

const givenUp: ReadonlySet<string> = new Set(['57P01', '57P03', '57P05', '25P03', '25P04', '53300']);

/** What became of a transaction; undefined where the server does not know any more. */
type Status = 'committed' | 'aborted' | 'in progress' | 'no answer' | undefined;

async function askUntilKnown(
  source: OutcomeSource,
  clock: Clock,
  xid: string,
  life: string | undefined,
): Promise<Status> {
  const deadline = clock.monotonic() + source.acquireTimeout;
  const nextDelay = decorrelatedJitter({ base: 5, cap: 250 });
  for (;;) {
    const left = deadline - clock.monotonic();
    if (left <= 0) return undefined;
    const status = await ask(source, xid, life, left);
    if (status !== 'in progress' && status !== 'no answer') return status;
    await sleep(clock, Math.min(nextDelay(), Math.max(0, deadline - clock.monotonic())));
  }
}

async function ask(
  source: OutcomeSource,
  xid: string,
  life: string | undefined,
  limit: number,
): Promise<Status> {
  try {
    return await source.withSessionBeside(limit, (session, left) => askStatus(session, xid, life, left));
  } catch (error) {
    if (error instanceof ConnectionError && error.retryable) return 'no answer';
    // A number that was not given out yet: in a life before this one, and nothing of it has survived.
    return readDriverFields((error as Error).cause).code === '22023' ? 'aborted' : undefined;
  }
}

async function askStatus(
  session: PostgresSession,
  xid: string,
  life: string | undefined,
  limit: number,
): Promise<Status> {
  const { rows } = await session.run({
    text: `select pg_xact_status($1::xid8) as status, ${incarnation} as incarnation,
      (select count(pg_terminate_backend(pid)) from pg_stat_activity
        where backend_xid = $1::xid8::xid and datname = current_database()) as ended`,
    values: [xid],
    limit,
  });
  const { status, incarnation: now } = rows[0] as { status: Status | null; incarnation: string | null };
  if (life !== undefined && life === now) return status ?? undefined;
  return status === 'committed' || status === null ? undefined : 'aborted';
}
