import type { QueryResult } from 'kysely';
import { resolve } from 'node:path';
import type { DatabaseConfig } from '../../config/database-config.ts';
import type { SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import type { PoolStats } from '../../foundation/pool-stats.ts';
import { timeWait } from '../../foundation/statement-timing.ts';
import { LeaseLedger } from '../../pool/lease-ledger.ts';
import type { EngineContext } from '../engine.ts';
import type { StatementOptions } from '../statement-options.ts';
import { Checkpoints } from './checkpoints.ts';
import { DatabaseFile } from './database-file.ts';
import { isBusy } from './lock-wait.ts';
import { LoopMeter } from './loop-meter.ts';
import { LogShortening } from './log-shortening.ts';
import { SharedRead } from './shared-read.ts';
import { cleanInPlace, leaveInOrder } from './sqlite-cleaning.ts';
import { memoryLostError } from './sqlite-closed-error.ts';
import { SqliteLane, type LaneConnection } from './sqlite-lane.ts';
import { SqliteOpener } from './sqlite-opener.ts';
import { sumCounts } from './sqlite-pool-stats.ts';
import type { SqliteRole } from './sqlite-settings.ts';
import { SqliteSteps } from './sqlite-steps.ts';
import { providerStyle, type SqliteStyle } from './sqlite-style.ts';
import { kindOf } from './statement-kind.ts';
import { SqliteWorkers } from './worker/sqlite-workers.ts';

/**
 * The connections of one database: one writer, and readers that go on beside it. Where only one connection is
 * allowed, and in memory, the writer is the reader as well.
 *
 * SQLite itself never waits here: a lock that another process holds is waited for asynchronously, because the
 * driver's own wait would freeze the event loop.
 */
export class SqliteLanes {
  readonly writer: SqliteLane;
  /** When a statement may run. */
  readonly steps: SqliteSteps;
  /** How long the steps keep the event loop. */
  readonly meter: LoopMeter;
  /** The checkpoints that are made here. */
  readonly checkpoints = new Checkpoints();
  /** The threads that run reads in place of the readers; undefined where there are none. */
  readonly workers: SqliteWorkers | undefined;
  readonly #config: DatabaseConfig<'sqlite', SqliteSettings>;
  readonly #context: EngineContext;
  readonly #style: SqliteStyle;
  readonly #filename: string;
  readonly #file: DatabaseFile | undefined;
  readonly #opener: SqliteOpener;
  readonly #shared: SharedRead | undefined;
  readonly #ledger: LeaseLedger;
  /** The writer itself where reads have no connections of their own. */
  readonly #readers: SqliteLane;
  /** How the only connection to a database in memory was lost. */
  #memoryLoss: unknown;
  /** Whether something was left on the writer that a reader does not have. */
  #isSingle = false;
  readonly #log: LogShortening;
  #closing: Promise<void> | undefined;
  #state: PoolStats['state'] = 'running';

  /** @param style in what it differs from the lanes of a provider, where it does */
  constructor(
    config: DatabaseConfig<'sqlite', SqliteSettings>,
    context: EngineContext,
    style: SqliteStyle = providerStyle,
  ) {
    const { memory, filename } = config.connection;
    const { clock, logger, onPoolEvent, leases, onLoopBlock } = context;
    const { leakThreshold, min, max } = config.pool;
    this.meter = new LoopMeter({ threshold: config.connection.loopBlockThreshold, clock, onLoopBlock });
    this.#config = config;
    this.#context = context;
    this.#style = style;
    this.#filename = memory ? filename : resolve(filename);
    this.#file = memory ? undefined : new DatabaseFile(this.#filename);
    const { lockTimeout } = config;
    this.steps = new SqliteSteps({ file: this.#file, lockTimeout, clock });
    this.#opener = new SqliteOpener({
      filename: this.#filename,
      file: this.#file,
      style,
      lockTimeout,
      clock,
      meter: this.meter,
    });
    this.#ledger = new LeaseLedger({ leakThreshold, clock, logger, onPoolEvent, leases });
    this.writer = this.#makeLane('writer', 1, 1);
    this.#log = new LogShortening(this.checkpoints, this.writer, this.#filename);
    const isSingle = memory || max === 1;
    this.#readers = isSingle ? this.writer : this.#makeLane('reader', max - 1, Math.max(0, min - 1));
    this.#shared = isSingle ? undefined : new SharedRead(this.steps.turn);
    this.workers = isSingle || config.connection.workers === 0 ? undefined : this.#makeWorkers();
  }

  /** Where reads run. */
  get readers(): SqliteLane {
    return this.#isSingle ? this.writer : this.#readers;
  }

  /** Whether reads have connections of their own. */
  get hasReaders(): boolean {
    return this.readers !== this.writer;
  }

  /**
   * Call it before a statement that leaves something on its connection, such as ATTACH. The connection is made
   * clean when it is given back; or, where the style says so, it stays as it is and serves everybody from now on.
   */
  noteTraces(connection: LaneConnection): void {
    if (!this.#style.keepsTraces) connection.isUnclean = true;
    else if (connection.lane === this.writer) {
      this.#shared?.end();
      this.#isSingle = true;
    }
  }

  /**
   * Runs a read at once, where a connection for it is free.
   *
   * @returns undefined where it has to wait, or is no read
   * @throws DatabaseMovedError, and the error of SQLite
   */
  tryRead<Row>(sql: string, parameters: readonly unknown[]): QueryResult<Row> | undefined {
    const database = this.readers.idle;
    if (database === undefined) return undefined;
    const statement = database.findRead(sql);
    if (statement === undefined && kindOf(sql) !== 'read') return undefined;
    return this.steps.turn.isSpent() ? undefined : this.#readAtOnce(sql, parameters, this.steps.turn.now);
  }

  /**
   * Runs a read on a connection for reads, and waits for one where it has to.
   *
   * @returns undefined where the statement would write
   * @throws PoolTimeoutError, PoolClosedError, NestedAcquireError; and the error of SQLite
   */
  async read<Row>(
    sql: string,
    parameters: readonly unknown[],
    { signal, timing }: StatementOptions = {},
  ): Promise<QueryResult<Row> | undefined> {
    if (this.steps.turn.isSpent()) await this.steps.turn.giveWay();
    // Those who come while the first connection opens wait for it, rather than that each opens one.
    if (this.hasReaders && this.readers.size === 0) {
      await timeWait(timing, () => this.readers.openFirst());
    }
    const result = this.#readAtOnce<Row>(sql, parameters, this.meter.begin());
    if (result !== undefined) return result;
    const connection =
      this.readers.tryTake() ?? (await timeWait(timing, () => this.readers.takeBriefly(signal)));
    this.#shared?.end();
    try {
      return await this.steps.runNow(() => connection.database.read<Row>(sql, parameters));
    } finally {
      connection.lane.giveBack(connection);
    }
  }

  /** Lends a reader for longer than a step: a read-only transaction, a stream. */
  async lendReader({ signal, timing }: StatementOptions = {}): Promise<LaneConnection> {
    const connection = await timeWait(timing, () => this.readers.take(signal));
    // The snapshot that is shared on it ends; the borrower's is another one.
    this.#shared?.end();
    return connection;
  }

  /** Takes back what `lendReader` gave. */
  giveBackReader(connection: LaneConnection): void {
    const heldSince = connection.holding?.since;
    connection.lane.giveBack(connection);
    if (connection.lane === this.writer) return;
    if (heldSince !== undefined) this.#log.noteSnapshot(this.#context.clock.monotonic() - heldSince);
    this.#log.shorten();
  }

  /** Takes back the writer. */
  giveBackWriter(connection: LaneConnection): void {
    this.writer.giveBack(connection);
    this.#log.shorten();
  }

  /** Call it where somebody outside of these lanes has held a snapshot: the log may have grown behind it. */
  shortenLog(): void {
    this.#log.ask();
    this.#log.shorten();
  }

  /** Whether there is no file. */
  get isInMemory(): boolean {
    return this.#file === undefined;
  }

  /** Whether connections may be asked for anything. */
  get isRunning(): boolean {
    return this.#state === 'running';
  }

  stats(): PoolStats {
    const lanes = [
      this.writer,
      ...(this.#readers === this.writer ? [] : [this.#readers]),
      ...(this.workers ? [this.workers] : []),
    ];
    return {
      state: this.#state,
      max: this.#config.connection.memory ? 1 : this.#config.pool.max,
      ...sumCounts(lanes.map((lane) => lane.stats())),
      ...this.#ledger.stats(),
      ...this.#ledger.totals(),
    };
  }

  /** @param deadline in ms from now, for what is under way */
  close(deadline: number): Promise<void> {
    this.#closing ??= this.#drainAndClose(deadline);
    return this.#closing;
  }

  async #drainAndClose(deadline: number): Promise<void> {
    this.#state = 'draining';
    this.writer.refuse();
    this.#readers.refuse();
    const [isIdle] = await Promise.all([
      this.writer.drain(deadline),
      this.#readers.drain(deadline),
      this.workers?.close(deadline),
    ]);
    this.#shared?.end();
    this.#file?.forget();
    // The last one to close empties the write-ahead log into the file: the writer, which may write.
    if (this.#readers !== this.writer) this.#readers.end();
    this.writer.end((database) => {
      if (isIdle && !this.#config.connection.memory) leaveInOrder(database);
    });
    this.#state = 'closed';
  }

  /** @param start what `performance.now` says, or has said in this turn */
  #readAtOnce<Row>(sql: string, parameters: readonly unknown[], start: number): QueryResult<Row> | undefined {
    const database = this.readers.idle;
    if (database === undefined) return undefined;
    const statement = database.findRead(sql);
    this.#file?.check(this.steps.turn.now);
    const writer = this.hasReaders ? undefined : this.writer.tryTake();
    if (writer === undefined && !this.hasReaders) return undefined;
    try {
      if (this.hasReaders) this.#shared?.join(database);
      return statement === undefined
        ? database.read<Row>(sql, parameters)
        : database.runRead<Row>(statement, parameters, start);
    } catch (error) {
      if (isBusy(error)) return undefined;
      throw error;
    } finally {
      if (writer !== undefined) this.writer.giveBack(writer);
    }
  }

  #makeLane(kind: SqliteRole['kind'], max: number, min: number): SqliteLane {
    const { pool, connection } = this.#config;
    const { clock, onPoolEvent } = this.#context;
    const { durability, memory } = connection;
    const role: SqliteRole = { kind, durability, memory };
    const lane: SqliteLane = new SqliteLane({
      max,
      min,
      pool,
      clock,
      onPoolEvent,
      ledger: this.#ledger,
      poolStats: () => this.stats(),
      open: (signal) => {
        // A new one would be another database, and empty.
        if (this.#memoryLoss !== undefined) throw memoryLostError(this.#memoryLoss);
        return this.#opener.open(
          role,
          () => this.writer.size + this.#readers.size === 0,
          () => lane.isEnded,
          signal,
        );
      },
      onLost: (error) => {
        if (memory) this.#memoryLoss = error;
        this.#context.logger.error({ error }, 'a connection could not be rolled back, and was closed');
      },
      clean: (database) => memory && cleanInPlace(database, role),
    });
    return lane;
  }

  #makeWorkers(): SqliteWorkers {
    const { pool, connection, statementTimeout } = this.#config;
    const role: SqliteRole = { kind: 'reader', durability: connection.durability, memory: false };
    return new SqliteWorkers({
      ...this.#context,
      ...pool,
      statementTimeout,
      count: Math.min(connection.workers, pool.max - 1),
      settings: { filename: this.#filename, role },
      ledger: this.#ledger,
      poolStats: () => this.stats(),
      // Nobody has to wait for the writer where it is open.
      prepareFile: async () => {
        if (this.writer.size === 0) await this.writer.openFirst();
      },
    });
  }
}
