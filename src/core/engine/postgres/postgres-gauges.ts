import type { Clock } from '../../foundation/clock.ts';
import { within } from '../../foundation/within.ts';
import type { EngineGauges, ReplicaGauges, SessionGauges } from '../engine-gauges.ts';
import type { PostgresPool } from './postgres-pool.ts';
import { readReplicaStatus, type PostgresReplica } from './postgres-replica.ts';
import type { PostgresSession } from './postgres-session.ts';
import { readLogEnd, type LogPosition } from './write-position.ts';

/** How long all servers together may take to say how they are, in ms. */
const readingLimit = 1_000;

/** What is asked about. */
export interface GaugedServers {
  readonly primary: PostgresPool;
  readonly replicas: readonly PostgresReplica[];
  readonly clock: Clock;
}

/**
 * What Postgres can tell of itself. Of the sessions our side knows everything, also where no server is up; only how
 * far replicas are behind they have to be asked, and the primary where its log ends.
 */
export async function readPostgresGauges({ primary, replicas, clock }: GaugedServers): Promise<EngineGauges> {
  const sessions = [primary, ...replicas.map(({ pool }) => pool)].flatMap((pool) => pool.sessions);
  const version = primary.sessions.find((session) => session.serverVersion !== undefined)?.serverVersion;
  const figures = {
    ...(version !== undefined && { version: versionText(version) }),
    sessions: countSessions(sessions),
    preparedStatements: sessions.reduce((sum, session) => sum + session.preparedStatements, 0),
  };
  if (replicas.length === 0) return figures;
  return { ...figures, replicas: await askReplicas(primary, replicas, clock) };
}

/** The primary first: a replica that goes on meanwhile is not told to be further behind than it was. */
async function askReplicas(
  primary: PostgresPool,
  replicas: readonly PostgresReplica[],
  clock: Clock,
): Promise<ReplicaGauges[]> {
  const end = clock.monotonic() + readingLimit;
  const ask = <Answer>(pool: PostgresPool, question: Question<Answer>) =>
    within(clock, end - clock.monotonic(), askPool(pool, question));
  // A primary that does not answer leaves the replicas the half of the time.
  const position = await within(clock, readingLimit / 2, ask(primary, readLogEnd));
  return Promise.all(
    replicas.map(async (replica, at) => {
      const status = await ask(replica.pool, readReplicaStatus);
      const number = at + 1;
      if (status?.isReplica !== true) return { number, isAnswering: false };
      const { lag } = status;
      const behind = lagBytes(position, BigInt(status.replayed));
      return {
        number,
        isAnswering: true,
        ...(lag !== null && { lag: Math.max(0, lag) }),
        ...(behind !== undefined && { lagBytes: behind }),
      };
    }),
  );
}

type Question<Answer> = (session: PostgresSession) => Promise<Answer>;

/**
 * Over a connection that lies idle, or one beside the pool: nobody who waits in its line has to wait for this.
 *
 * @returns undefined where there is no answer. Never rejects
 */
async function askPool<Answer>(pool: PostgresPool, question: Question<Answer>): Promise<Answer | undefined> {
  if (pool.stats().state !== 'running') return undefined;
  const idle = pool.tryAcquire(true);
  try {
    return idle === undefined ? await pool.withSessionBeside(readingLimit, question) : await question(idle);
  } catch {
    return undefined;
  } finally {
    if (idle !== undefined) pool.release(idle);
  }
}

function lagBytes(position: LogPosition | undefined, replayed: LogPosition): number | undefined {
  if (position === undefined) return undefined;
  return position > replayed ? Number(position - replayed) : 0;
}

function countSessions(sessions: readonly PostgresSession[]): SessionGauges {
  const counts = { active: 0, idle: 0, idleInTransaction: 0, idleInFailedTransaction: 0 };
  for (const session of sessions) {
    if (session.inFlight > 0) counts.active += 1;
    else if (session.transaction === 'open') counts.idleInTransaction += 1;
    else if (session.transaction === 'failed') counts.idleInFailedTransaction += 1;
    else counts.idle += 1;
  }
  return counts;
}

/** From 160004, as the server numbers its versions since PostgreSQL 10. */
function versionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}
