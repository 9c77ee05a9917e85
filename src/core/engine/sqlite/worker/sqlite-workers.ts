import type { CompiledQuery, QueryResult } from 'kysely';
import { decorrelatedJitter } from '../../../foundation/backoff.ts';
import { sleep, type Clock } from '../../../foundation/clock.ts';
import type { DurationSpread } from '../../../foundation/duration-buckets.ts';
import { ConnectionError } from '../../../foundation/errors/connection-errors.ts';
import type { Logger } from '../../../foundation/logger.ts';
import type { PoolListener } from '../../../foundation/pool-event.ts';
import type { PoolStats } from '../../../foundation/pool-stats.ts';
import { timeWait, type StatementTiming } from '../../../foundation/statement-timing.ts';
import { unlessAborted } from '../../../foundation/within.ts';
import { trackHoldings } from '../../../pool/holding.ts';
import type { LeaseLedger } from '../../../pool/lease-ledger.ts';
import { poolClosed } from '../../../pool/pool-closed.ts';
import { Semaphore } from '../../../pool/semaphore.ts';
import type { WorkerGauges } from '../../engine-gauges.ts';
import type { StatementOptions } from '../../statement-options.ts';
import { SqliteWorker } from './sqlite-worker.ts';
import { WorkerLease } from './worker-lease.ts';
import type { WorkerSettings } from './worker-protocol.ts';

/** What the worker threads need to know. Times in ms. */
export interface SqliteWorkersOptions {
  readonly settings: WorkerSettings;
  /** How many threads there are at most. */
  readonly count: number;
  readonly acquireTimeout: number;
  readonly maxWaiting: number;
  /** The longest that a caller waits for a statement; 0 is no limit. */
  readonly statementTimeout: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onPoolEvent: PoolListener;
  readonly ledger: LeaseLedger;
  readonly poolStats: () => PoolStats;
  /** Makes sure that the file is there, and what its last writer left is recovered. */
  readonly prepareFile: () => Promise<void>;
}

/** What is counted of the threads. */
export interface SqliteWorkersStats {
  readonly size: number;
  readonly busy: number;
  readonly waiting: number;
  readonly longestWait: number;
  readonly waits: DurationSpread;
  readonly timeouts: number;
  readonly created: number;
  readonly retired: number;
  readonly acquired: number;
}

/**
 * The worker threads that run reads, each lent to one caller at a time in the order of asking. A thread is
 * started when it is first needed. One that dies is replaced with the next read; where they die one after the
 * other, the next start waits a while.
 *
 * A query in a thread cannot be stopped. One that outlives `statementTimeout` is left alone with its thread, and
 * another thread takes its place, up to as many as there may be; then reads are refused until one has ended.
 */
export class SqliteWorkers {
  readonly #options: SqliteWorkersOptions;
  readonly #permits: Semaphore;
  readonly #workers = new Set<SqliteWorker>();
  readonly #idle: SqliteWorker[] = [];
  /** Threads on their way whose caller has given up. */
  readonly #unclaimed: Promise<SqliteWorker>[] = [];
  #abandoned = 0;
  #created = 0;
  #retired = 0;
  #acquired = 0;
  /** The wait before the next start; up only after threads have died without having answered anything. */
  #nextDelay: (() => number) | undefined;
  #ended = false;

  constructor(options: SqliteWorkersOptions) {
    const { count, acquireTimeout, maxWaiting, clock, onPoolEvent, poolStats } = options;
    this.#options = options;
    this.#permits = new Semaphore({
      permits: count,
      acquireTimeout,
      maxWaiting,
      clock,
      onPoolEvent,
      poolStats,
    });
  }

  /**
   * Lends a thread. Whoever gets one must `release` the lease once.
   *
   * @throws PoolTimeoutError where none becomes free in time, PoolClosedError once `close` was called
   * @throws ConnectionError where the thread cannot be started, or too many are held up by queries that do not end
   * @throws what SQLite throws when the file cannot be opened
   */
  async lend(signal: AbortSignal | undefined): Promise<WorkerLease> {
    const askedAt = this.#options.clock.monotonic();
    await this.#permits.acquire(signal);
    try {
      const worker = this.#idle.pop() ?? (await this.#startFor(signal));
      if (this.#ended) throw poolClosed();
      const { clock, statementTimeout, ledger } = this.#options;
      const holding = ledger.lend(this.#permits, askedAt);
      this.#acquired += 1;
      return new WorkerLease(worker, {
        clock,
        statementTimeout,
        abandon: (reason) => this.#abandon(worker, reason),
        giveBack: () => {
          ledger.takeBack(holding);
          this.#takeBack(worker);
        },
      });
    } catch (error) {
      this.#permits.release();
      throw error;
    }
  }

  /**
   * Runs a statement where it only reads.
   *
   * @returns undefined where it would write, and nothing has happened
   * @throws as `lend`, what SQLite throws, and StatementTimeoutError
   */
  async read<Row>(
    sql: string,
    parameters: readonly unknown[],
    options: StatementOptions = {},
  ): Promise<QueryResult<Row> | undefined> {
    const lease = await this.#lendBriefly(options);
    try {
      // The statement itself cannot be stopped, and keeps its thread until its end.
      return await unlessAborted(lease.read<Row>(sql, parameters), options.signal);
    } finally {
      lease.release();
    }
  }

  /** Runs statements on one snapshot. @returns undefined where one of them would write */
  async readTogether(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[] | undefined> {
    const lease = await this.#lendBriefly({ timing });
    try {
      await lease.begin();
      const results: QueryResult<unknown>[] = [];
      for (const { sql, parameters } of queries) {
        const result = await lease.read(sql, parameters);
        if (result === undefined) return undefined;
        results.push(result);
      }
      return results;
    } finally {
      lease.release();
    }
  }

  /** Reads in chunks. @returns undefined where the statement would write */
  async stream<Row>(
    sql: string,
    parameters: readonly unknown[],
    chunkSize: number,
    { signal, timing }: StatementOptions = {},
  ): Promise<AsyncGenerator<QueryResult<Row>, void> | undefined> {
    const lease = await timeWait(timing, () => this.lend(signal));
    try {
      if (await lease.openStream(sql, parameters)) return chunksOf<Row>(lease, chunkSize);
    } catch (error) {
      lease.release();
      throw error;
    }
    lease.release();
    return undefined;
  }

  gauges(): WorkerGauges {
    const size = this.#workers.size;
    return { size, busy: size - this.#idle.length, max: this.#options.count };
  }

  stats(): SqliteWorkersStats {
    const { held, ...waits } = this.#permits.stats();
    const size = this.#workers.size;
    return {
      size,
      busy: Math.min(held, size),
      ...waits,
      created: this.#created,
      retired: this.#retired,
      acquired: this.#acquired,
    };
  }

  /** Refuses new reads, waits for those under way until the deadline in ms, then ends every thread. */
  async close(deadline: number): Promise<void> {
    this.#permits.close();
    const drained = await this.#permits.drain(deadline);
    this.#ended = true;
    const workers = [...this.#workers];
    for (const worker of workers) worker.abandon(cutOffError());
    // A thread in the midst of a query would be waited for until its end.
    if (drained) await Promise.all(workers.map((worker) => worker.ended));
  }

  /** As `lend`, for reads that end by themselves: the running work may wait for them. */
  #lendBriefly({ signal, timing }: StatementOptions): Promise<WorkerLease> {
    return trackHoldings(() => timeWait(timing, () => this.lend(signal)));
  }

  /** A thread whose caller gives up while it starts serves the next one. */
  async #startFor(signal: AbortSignal | undefined): Promise<SqliteWorker> {
    const starting = this.#unclaimed.pop() ?? this.#start();
    try {
      return await unlessAborted(starting, signal);
    } catch (error) {
      if (signal?.aborted === true) {
        starting.catch(() => {});
        this.#unclaimed.push(starting);
      }
      throw error;
    }
  }

  async #start(): Promise<SqliteWorker> {
    const { clock, settings, count, onPoolEvent, prepareFile } = this.#options;
    if (this.#abandoned >= count) throw exhaustedError(this.#abandoned);
    if (this.#nextDelay !== undefined) await sleep(clock, this.#nextDelay());
    await prepareFile();
    if (this.#ended) throw poolClosed();
    const worker = new SqliteWorker(settings);
    this.#workers.add(worker);
    this.#created += 1;
    onPoolEvent({ type: 'created' });
    void worker.ended.then(() => this.#forget(worker));
    try {
      await worker.ready;
    } catch (error) {
      if (worker.isLost) this.#nextDelay ??= decorrelatedJitter({ base: 50, cap: 5_000 });
      worker.abandon(cutOffError());
      throw error;
    }
    this.#nextDelay = undefined;
    return worker;
  }

  #takeBack(worker: SqliteWorker): void {
    if (!worker.isLost) this.#idle.push(worker);
    this.#permits.release();
  }

  /** Gives a thread up: a query of it does not end, or it could not be made clean. */
  #abandon(worker: SqliteWorker, reason: ConnectionError): void {
    // Several statements of one borrower may run out of time together; and one that has died is gone already.
    if (!this.#workers.has(worker)) return;
    this.#forget(worker);
    this.#abandoned += 1;
    void worker.ended.then(() => {
      this.#abandoned -= 1;
    });
    worker.abandon(reason);
    this.#options.logger.warn(
      { error: reason, abandoned: this.#abandoned },
      'a worker thread was given up; it ends with what runs in it, and another one takes its place',
    );
  }

  #forget(worker: SqliteWorker): void {
    if (!this.#workers.delete(worker)) return;
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#retired += 1;
    this.#options.onPoolEvent({ type: 'retired', reason: this.#ended ? 'closed' : 'lost' });
  }
}

async function* chunksOf<Row>(lease: WorkerLease, chunkSize: number): AsyncGenerator<QueryResult<Row>, void> {
  try {
    yield* lease.chunks<Row>(chunkSize);
  } finally {
    lease.release();
  }
}

function cutOffError(): ConnectionError {
  return new ConnectionError('The provider was closed and its deadline has passed; the read was cut off.');
}

function exhaustedError(abandoned: number): ConnectionError {
  return new ConnectionError(
    `All ${abandoned} worker threads are held up by reads that outlived statementTimeout and cannot be stopped. Try again later, make these reads faster, or raise connection.workers.`,
  );
}
