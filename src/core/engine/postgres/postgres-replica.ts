import type { DirectExecutor } from '../direct-executor.ts';
import { decorrelatedJitter } from '../../foundation/backoff.ts';
import { sleep, type Clock } from '../../foundation/clock.ts';
import type { Logger } from '../../foundation/logger.ts';
import type { PostgresPool } from './postgres-pool.ts';
import type { PostgresSession } from './postgres-session.ts';
import type { LogPosition } from './write-position.ts';

/** What a replica needs to know. Times in ms. */
export interface PostgresReplicaOptions {
  /** How far it may be behind; 0 for any lag. */
  readonly maxLag: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long the word of a replica on itself is trusted, in ms: it may have been promoted since. */
const trustedTime = 1_000;
/** Not to be asked again sooner, in ms, whether it has come further. */
const pollPause = 2;
/** How long a reader waits for it to come up with the last write, in ms. */
const catchUpLimit = 15;
/** How long nobody waits for it any more, in ms, once it took longer. */
const distrust = 250;
/** The longest that it may take to say how it is, in ms. */
const statusLimit = 500;
/** How long one that failed is left alone, in ms. */
const pauses = { base: 250, cap: 10_000 };

interface ReplicaStatus {
  readonly askedAt: number;
  readonly replayed: LogPosition;
}

/** One server that follows the primary: its pool, and whether it may be read from. */
export class PostgresReplica {
  readonly pool: PostgresPool;
  readonly direct: DirectExecutor;
  /** Reads that are under way here. */
  inFlight = 0;
  readonly #options: PostgresReplicaOptions;
  #status: ReplicaStatus | undefined;
  #asking: Promise<void> | undefined;
  #pinging: Promise<boolean> | undefined;
  #outUntil = Number.NEGATIVE_INFINITY;
  #behindUntil = Number.NEGATIVE_INFINITY;
  #nextPause = decorrelatedJitter(pauses);
  #isOut = false;

  constructor(pool: PostgresPool, direct: DirectExecutor, options: PostgresReplicaOptions) {
    this.pool = pool;
    this.direct = direct;
    this.#options = options;
  }

  /** Whether it is known to have replayed the log up to a position, and to be sound. */
  isReady(floor: LogPosition): boolean {
    const status = this.#status;
    if (status === undefined || status.replayed < floor) return false;
    return this.#options.clock.monotonic() - status.askedAt <= trustedTime;
  }

  /**
   * Asks it how it is, and waits a moment for one that is usually close behind. Never rejects.
   *
   * @returns whether it is ready then
   */
  async catchUp(floor: LogPosition): Promise<boolean> {
    const { clock } = this.#options;
    const start = clock.monotonic();
    const end = start < this.#behindUntil ? start : start + catchUpLimit;
    for (;;) {
      await this.#refresh();
      if (this.isReady(floor)) return true;
      const now = clock.monotonic();
      if (this.#status !== undefined && now >= end && end > start) this.#behindUntil = now + distrust;
      if (this.#status === undefined || now >= end) return false;
      await sleep(clock, pollPause);
    }
  }

  /**
   * Asks whether it still answers: over a connection that lies idle, or over one of its own where none does.
   * Readers who ask at the same time share the answer. Never rejects.
   *
   * @param limit in ms, for connecting and for the answer
   */
  isAnswering(limit: number): Promise<boolean> {
    this.#pinging ??= this.#ping(limit).finally(() => (this.#pinging = undefined));
    return this.#pinging;
  }

  /** Reads nothing from it for a while, which is longer each time that it fails again. */
  leaveOut(error: unknown): void {
    const { clock, logger } = this.#options;
    this.#status = undefined;
    this.#outUntil = clock.monotonic() + this.#nextPause();
    if (this.#isOut) return;
    this.#isOut = true;
    logger.warn({ reason: (error as Error).message }, 'a replica of Postgres is left out');
  }

  async #ping(limit: number): Promise<boolean> {
    const idle = this.pool.tryAcquire(true);
    try {
      if (idle === undefined) await this.pool.withSessionBeside(limit, ping);
      else await ping(idle, limit);
      return true;
    } catch {
      return false;
    } finally {
      if (idle !== undefined) this.pool.release(idle);
    }
  }

  /** Asks it how it is, unless it failed a while ago or was asked just now. Never rejects. */
  #refresh(): Promise<void> {
    const now = this.#options.clock.monotonic();
    if (now < this.#outUntil) return Promise.resolve();
    if (this.#asking !== undefined) return this.#asking;
    if (this.#status !== undefined && now - this.#status.askedAt < pollPause) return Promise.resolve();
    this.#asking = this.#ask()
      .catch((error: unknown) => this.leaveOut(error))
      .finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { clock, logger, maxLag } = this.#options;
    const session = this.pool.tryAcquire() ?? (await this.pool.acquire());
    const askedAt = clock.monotonic();
    const { isReplica, replayed, lag } = await readReplicaStatus(session).finally(() =>
      this.pool.release(session),
    );
    if (!isReplica) throw new Error('It is no replica any more.');
    if (maxLag > 0 && (lag === null || lag > maxLag)) {
      throw new Error(`It is more than connection.replicaMaxLag (${maxLag} ms) behind.`);
    }
    this.#status = { askedAt, replayed: BigInt(replayed) };
    if (!this.#isOut) return;
    this.#isOut = false;
    this.#nextPause = decorrelatedJitter(pauses);
    logger.info({}, 'a replica of Postgres is read from again');
  }
}

async function ping(session: PostgresSession, limit: number): Promise<void> {
  await session.run({ text: '', limit });
}

interface StatusRow {
  readonly isReplica: boolean;
  readonly replayed: string;
  /** In ms; null where nobody knows. */
  readonly lag: number | null;
}

// Where it is connected and has replayed all that it has received, it is not behind, however long nothing was
// written. Where it is not connected, the time of the last transaction is all that is known.
export async function readReplicaStatus(session: PostgresSession): Promise<StatusRow> {
  const { rows } = await session.run({
    text: `select pg_is_in_recovery() as "isReplica",
        coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::text as replayed,
        case when pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() and exists (select from pg_stat_wal_receiver)
          then 0 else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000
        end::float8 as lag`,
    values: [],
    prepare: true,
    limit: statusLimit,
  });
  return rows[0] as unknown as StatusRow;
}
