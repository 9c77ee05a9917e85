import type { PoolConfig } from '../../config/database-config.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { PoolListener, RetirementReason } from '../../foundation/pool-event.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import type { Holding, LeaseLedger } from '../../pool/lease-ledger.ts';
import { trackHoldings } from '../../pool/holding.ts';
import { closedError } from './sqlite-closed-error.ts';
import { Semaphore, type SemaphoreStats } from '../../pool/semaphore.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** What a lane needs to know. Times in ms. */
export interface SqliteLaneOptions {
  /** The most connections, at least 1. */
  readonly max: number;
  /** How many stay open however long they are idle or old. */
  readonly min: number;
  readonly pool: PoolConfig;
  readonly clock: Clock;
  readonly ledger: LeaseLedger;
  readonly onPoolEvent: PoolListener;
  readonly poolStats: () => PoolStats;
  /** Opens a connection. @param signal ends the wait for the lock of another process */
  open(signal: AbortSignal | undefined): Promise<SqliteDatabase>;
  /** Hears of a connection that was closed because it could not be brought out of a transaction, and why. */
  onLost(reason: unknown): void;
  /**
   * Cleans a connection whose borrower has left something on it.
   *
   * @returns whether it is clean; else it is closed
   */
  clean(database: SqliteDatabase): boolean;
}

/** A connection of a lane. Whoever has borrowed it may mark it as unclean. */
export interface LaneConnection {
  /** Where it came from and goes back to. */
  readonly lane: SqliteLane;
  readonly database: SqliteDatabase;
  /** When it is too old, on the monotonic clock. */
  readonly dueAt: number;
  idleSince: number;
  /** Read from while it was idle, since its idleness was last looked at. */
  isUsed: boolean;
  isUnclean: boolean;
  holding: Holding | undefined;
}

/** Not all connections that were opened together are to be closed together. */
const lifetimeJitter = 0.1;

/**
 * Connections of one kind, opened when they are needed, each lent to one borrower at a time in the order of
 * asking. A step that is over before anything else can run needs no permit: it uses the one that is `idle`.
 */
export class SqliteLane {
  readonly #options: SqliteLaneOptions;
  readonly #permits: Semaphore;
  readonly #open = new Set<LaneConnection>();
  /** The one on top is lent next, so that its pages and statements are at hand and others may retire. */
  readonly #idle: LaneConnection[] = [];
  #created = 0;
  #retired = 0;
  #acquired = 0;
  #opening: Promise<void> | undefined;
  #isRefusing = false;
  #isEnded = false;
  #cancelRetirement: (() => void) | undefined;
  /** When the next look is due, on the monotonic clock. */
  #retirementAt = Infinity;

  constructor(options: SqliteLaneOptions) {
    const { clock, onPoolEvent, poolStats } = options;
    const { acquireTimeout, maxWaiting } = options.pool;
    this.#options = options;
    this.#permits = new Semaphore({
      permits: options.max,
      acquireTimeout,
      maxWaiting,
      clock,
      onPoolEvent,
      poolStats,
    });
  }

  /** A connection that nobody has borrowed, for one synchronous read. */
  get idle(): SqliteDatabase | undefined {
    const connection = this.#topIdle();
    if (connection === undefined || this.#isRefusing) return undefined;
    connection.isUsed = true;
    return connection.database;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a connection that then lies idle. Who comes meanwhile waits for the same one.
   *
   * @throws as `take`
   */
  openFirst(): Promise<void> {
    this.#opening ??= this.takeBriefly()
      .then((connection) => this.giveBack(connection))
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  /** Takes a connection at once, where one is open and free and nobody waits. It must be given back. */
  tryTake(): LaneConnection | undefined {
    if (this.#topIdle() === undefined || !this.#permits.tryAcquire()) return undefined;
    return this.#idle.pop();
  }

  /**
   * Waits for a connection, in turn, and opens it where needed. It must be given back.
   *
   * @throws PoolTimeoutError, PoolClosedError, NestedAcquireError as the semaphore; and what opening throws
   */
  async take(signal?: AbortSignal): Promise<LaneConnection> {
    const askedAt = this.#options.clock.monotonic();
    if (signal?.aborted === true || !this.#permits.tryAcquire()) await this.#permits.acquire(signal);
    try {
      const connection = this.#topIdle() === undefined ? await this.#openOne(signal) : this.#idle.pop()!;
      connection.holding = this.#options.ledger.lend(this.#permits, askedAt);
      this.#acquired += 1;
      return connection;
    } catch (error) {
      this.#permits.release();
      throw error;
    }
  }

  /**
   * As `take`, for who gives it back without waiting for anything else of the running work: so the work may wait
   * for it, and that is no nested wait.
   */
  takeBriefly(signal?: AbortSignal): Promise<LaneConnection> {
    return trackHoldings(() => this.take(signal));
  }

  /** Notes a connection that `tryTake` gave as held briefly, where it is not given back in the same step. */
  noteHeld(connection: LaneConnection): void {
    if (connection.holding !== undefined) return;
    connection.holding = trackHoldings(() => this.#options.ledger.lend(this.#permits));
    this.#acquired += 1;
  }

  giveBack(connection: LaneConnection): void {
    if (connection.holding !== undefined) {
      this.#options.ledger.takeBack(connection.holding);
      connection.holding = undefined;
    }
    try {
      if (this.#open.has(connection)) this.#keepOrRetire(connection);
    } finally {
      this.#permits.release();
    }
  }

  stats(): SemaphoreStats & Pick<PoolStats, 'size' | 'busy' | 'created' | 'retired' | 'acquired'> {
    const size = this.#open.size;
    const busy = size - this.#idle.length;
    return {
      ...this.#permits.stats(),
      size,
      busy,
      created: this.#created,
      retired: this.#retired,
      acquired: this.#acquired,
    };
  }

  /** Turns away everybody who waits and everybody who comes. */
  refuse(): void {
    this.#isRefusing = true;
    this.#permits.close();
  }

  /** Waits until every connection is back. @param deadline in ms from now */
  drain(deadline: number): Promise<boolean> {
    return this.#permits.drain(deadline);
  }

  /** Closes every connection; what still runs on one is cut off. */
  end(beforeClose: (database: SqliteDatabase) => void = () => {}): void {
    this.#isEnded = true;
    this.#cancelRetirement?.();
    this.#idle.length = 0;
    for (const connection of this.#open) {
      beforeClose(connection.database);
      this.#retire(connection, 'closed');
    }
  }

  /** Whether `end` was called. A connection that was being opened meanwhile must not stay. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #openOne(signal: AbortSignal | undefined): Promise<LaneConnection> {
    const { pool, clock, onPoolEvent } = this.#options;
    const database = await this.#options.open(signal);
    if (this.#isEnded) {
      database.close();
      throw closedError();
    }
    const now = clock.monotonic();
    const jitter = 1 + lifetimeJitter * (Math.random() * 2 - 1);
    const dueAt = pool.maxLifetime === 0 ? Infinity : now + pool.maxLifetime * jitter;
    const connection: LaneConnection = {
      lane: this,
      database,
      dueAt,
      idleSince: now,
      isUsed: false,
      isUnclean: false,
      holding: undefined,
    };
    this.#open.add(connection);
    this.#created += 1;
    onPoolEvent({ type: 'created' });
    return connection;
  }

  /** The one that is lent next. One that was closed while it lay idle, since a rollback on it failed, goes. */
  #topIdle(): LaneConnection | undefined {
    for (;;) {
      const connection = this.#idle.at(-1);
      if (connection === undefined || connection.database.isOpen) return connection;
      this.#idle.pop();
      this.#retireLost(connection);
    }
  }

  #keepOrRetire(connection: LaneConnection): void {
    const { isUnclean, database } = connection;
    connection.isUnclean = false;
    // Whatever left it inside of a transaction could not end that either.
    database.rollBack();
    if (!database.isOpen) {
      this.#retireLost(connection);
      return;
    }
    // It lies idle before it is cleaned: where that fails, a database in memory must not be opened anew.
    this.#idle.push(connection);
    if (isUnclean && !this.#options.clean(connection.database)) {
      this.#idle.pop();
      this.#retire(connection, 'unclean');
      return;
    }
    // The whole pool of a database that is rarely asked for more than one is never looked at.
    if (this.#open.size <= this.#options.min) return;
    connection.idleSince = this.#options.clock.monotonic();
    // One that was given back before may be due later.
    if (this.#dueAt(connection) < this.#retirementAt) this.#scheduleRetirement();
  }

  /** One timer, for the one that is due first. */
  #scheduleRetirement(): void {
    const { clock } = this.#options;
    this.#cancelRetirement?.();
    this.#cancelRetirement = undefined;
    this.#retirementAt = Infinity;
    for (const connection of this.#idle) {
      this.#retirementAt = Math.min(this.#retirementAt, this.#dueAt(connection));
    }
    if (this.#retirementAt === Infinity) return;
    const delay = Math.max(0, this.#retirementAt - clock.monotonic());
    this.#cancelRetirement = clock.schedule(delay, () => this.#retireIdle(), { keepsAlive: false });
  }

  #dueAt({ idleSince, dueAt }: LaneConnection): number {
    const { idleTimeout } = this.#options.pool;
    return Math.min(dueAt, idleTimeout === 0 ? Infinity : idleSince + idleTimeout);
  }

  #retireIdle(): void {
    const now = this.#options.clock.monotonic();
    for (const connection of this.#idle) {
      if (!connection.isUsed) continue;
      connection.isUsed = false;
      connection.idleSince = now;
    }
    for (const connection of this.#idle.filter((idle) => this.#dueAt(idle) <= now)) {
      if (this.#open.size <= this.#options.min) break;
      this.#idle.splice(this.#idle.indexOf(connection), 1);
      this.#retire(connection, connection.dueAt <= now ? 'lifetime' : 'idle');
    }
    this.#cancelRetirement = undefined;
    this.#retirementAt = Infinity;
    if (this.#open.size > this.#options.min) this.#scheduleRetirement();
  }

  #retireLost(connection: LaneConnection): void {
    this.#options.onLost(connection.database.closedBy);
    this.#retire(connection, 'lost');
  }

  #retire(connection: LaneConnection, reason: RetirementReason): void {
    this.#open.delete(connection);
    connection.database.close();
    this.#retired += 1;
    this.#options.onPoolEvent({ type: 'retired', reason });
  }
}
