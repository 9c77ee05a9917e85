import type { Database, Options, Statement } from 'better-sqlite3';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { PoolClosedError } from '../../foundation/errors/connection-errors.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { Semaphore } from '../../pool/semaphore.ts';
import { waitForLock } from './lock-wait.ts';

/**
 * The one connection to the database, lent to one caller at a time in the order of asking. It is opened
 * at the first use. SQLite itself never waits here: a lock that another process holds is waited for
 * asynchronously, because the driver's own wait would freeze the event loop.
 */
export class SqliteLane {
  readonly #config: DatabaseConfig<'sqlite', SqliteSettings>;
  readonly #clock: Clock;
  readonly #turns: Semaphore;
  #database: Database | undefined;
  #created = 0;
  #closing: Promise<void> | undefined;

  constructor(config: DatabaseConfig<'sqlite', SqliteSettings>, clock: Clock) {
    const { acquireTimeout, maxWaiting } = config.pool;
    this.#config = config;
    this.#clock = clock;
    this.#turns = new Semaphore({
      permits: 1,
      acquireTimeout,
      maxWaiting,
      clock,
      poolStats: () => this.stats(),
    });
  }

  /** Waits for the connection, opening it where needed. Whoever gets it must `release` it once. */
  async acquire(signal?: AbortSignal): Promise<void> {
    await this.#turns.acquire(signal);
    try {
      this.#database ??= await this.#open();
    } catch (error) {
      this.#turns.release();
      throw error;
    }
  }

  release(): void {
    this.#turns.release();
  }

  /** Prepares a statement. For whoever holds the lane. */
  prepare(sql: string): Statement<unknown[], Record<string, unknown>> {
    return this.#connection().prepare(sql);
  }

  get isOpen(): boolean {
    return this.#database !== undefined;
  }

  /** Whether a transaction is open on the connection. */
  get inTransaction(): boolean {
    return this.#database?.inTransaction ?? false;
  }

  /** Runs a synchronous step, again and again while another process holds the lock it needs. */
  waitForLock<Result>(step: () => Result): Promise<Result> {
    return waitForLock(step, this.#config.lockTimeout, this.#clock);
  }

  stats(): PoolStats {
    const { held, waiting, longestWait, timeouts } = this.#turns.stats();
    const size = this.#database === undefined ? 0 : 1;
    return {
      size,
      busy: Math.min(size, held),
      idle: Math.max(0, size - held),
      waiting,
      max: 1,
      longestWait,
      created: this.#created,
      retired: this.#created - size,
      timeouts,
    };
  }

  close(deadline: number): Promise<void> {
    this.#closing ??= this.#drainAndClose(deadline);
    return this.#closing;
  }

  async #drainAndClose(deadline: number): Promise<void> {
    this.#turns.close();
    await this.#turns.drain(deadline);
    // An open transaction of whoever overstayed the deadline is rolled back by closing.
    this.#database?.close();
    this.#database = undefined;
  }

  #connection(): Database {
    if (this.#database === undefined) {
      throw new PoolClosedError('A statement was to run after close() had cut its connection off.');
    }
    return this.#database;
  }

  async #open(): Promise<Database> {
    const { filename, memory } = this.#config.connection;
    const open = await loadDriver();
    if (!memory) await mkdir(dirname(filename), { recursive: true });
    const database = open(filename, { timeout: 0 });
    try {
      await this.waitForLock(() => database.pragma('journal_mode = WAL'));
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      database.pragma('trusted_schema = OFF');
    } catch (error) {
      database.close();
      throw error;
    }
    this.#created += 1;
    return database;
  }
}

async function loadDriver(): Promise<(filename: string, options: Options) => Database> {
  try {
    const { default: BetterSqlite3 } = await import('better-sqlite3');
    return (filename, options) => new BetterSqlite3(filename, options);
  } catch (cause) {
    throw new ConfigurationError(
      'SQLite needs the package better-sqlite3 13 or newer, which could not be loaded. Run: npm install better-sqlite3',
      { cause },
    );
  }
}
