import type { Database, Options, Statement } from 'better-sqlite3';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { PoolClosedError } from '../../foundation/errors/connection-errors.ts';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import type { Clock } from '../../foundation/clock.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { Semaphore } from '../../pool/semaphore.ts';
import { waitForLock } from './lock-wait.ts';

/** The longest that statements may follow each other without a turn of the event loop, in ms. */
const longestRun = 10;

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
  #ended = false;
  /** When the first statement since the last turn of the event loop came. */
  #runningSince: number | undefined;
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

  /**
   * Waits for the connection, opening it where needed. Whoever gets it must `release` it once.
   *
   * @throws PoolTimeoutError where it does not become free in time, PoolClosedError once `close` was called
   * @throws ConfigurationError where better-sqlite3 cannot be loaded
   */
  async acquire(signal?: AbortSignal): Promise<void> {
    await this.#turns.acquire(signal);
    try {
      if (this.#database === undefined) await this.#open();
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
    const database = this.#connection();
    if (database.inTransaction && switchesForeignKeys.test(sql)) throw foreignKeysError();
    return database.prepare(sql);
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
    const wait = () => waitForLock(step, this.#config.lockTimeout, this.#clock);
    return this.giveWay()?.then(wait) ?? wait();
  }

  /**
   * Lets timers and sockets have their turn where statements have run for a while: everything around a
   * statement happens in microtasks, so a row of them would keep the event loop from turning until its end.
   */
  giveWay(): Promise<void> | undefined {
    const now = this.#clock.monotonic();
    if (this.#runningSince === undefined) {
      this.#runningSince = now;
      setImmediate(() => (this.#runningSince = undefined));
    } else if (now - this.#runningSince > longestRun) {
      return new Promise((resolve) => setImmediate(resolve));
    }
    return undefined;
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
    this.#ended = true;
    // An open transaction of whoever overstayed the deadline is rolled back by closing.
    this.#database?.close();
    this.#database = undefined;
  }

  #connection(): Database {
    if (this.#database === undefined) throw closedError();
    return this.#database;
  }

  /** Where `close` has not waited for it, it keeps nothing open. */
  async #open(): Promise<void> {
    const { filename, memory } = this.#config.connection;
    const open = await loadDriver();
    if (!memory) await mkdir(dirname(filename), { recursive: true });
    const database = open(filename, { timeout: 0 });
    try {
      await this.waitForLock(() => {
        if (this.#ended) throw closedError();
        database.pragma('journal_mode = WAL');
        database.pragma('synchronous = FULL');
        database.pragma('foreign_keys = ON');
        database.pragma('trusted_schema = OFF');
        this.#database = database;
        this.#created += 1;
      });
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

async function loadDriver(): Promise<(filename: string, options: Options) => Database> {
  try {
    const { default: BetterSqlite3 } = await import('better-sqlite3');
    // The package loads its binary with the first database; a binary that is missing must show here.
    new BetterSqlite3(':memory:').close();
    return (filename, options) => new BetterSqlite3(filename, options);
  } catch (cause) {
    throw new ConfigurationError(
      'SQLite needs the package better-sqlite3 13 or newer with its binary, which could not be loaded. Run: npm install better-sqlite3; where the package is there, npm rebuild better-sqlite3',
      { cause },
    );
  }
}

function closedError(): PoolClosedError {
  return new PoolClosedError('A statement was to run after close() had cut its connection off.');
}

const switchesForeignKeys = /^\s*pragma\s+(?:\w+\s*\.\s*)?foreign_keys\s*[=(]/i;

// SQLite takes it without a word and without effect: a table that is dropped then deletes what refers to it.
function foreignKeysError(): QueryError {
  return new QueryError(
    'PRAGMA foreign_keys does nothing inside a transaction, so it is refused there. A table that others refer to by ON DELETE CASCADE cannot be dropped and made anew here without losing their rows.',
    undefined,
  );
}
