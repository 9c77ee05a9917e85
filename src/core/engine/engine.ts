import type { Dialect, Kysely } from 'kysely';
import type { DatabaseConfig } from '../config/database-config.ts';
import type { EngineConfig } from '../config/engine-config.ts';
import type { Clock } from '../foundation/clock.ts';
import type { Logger } from '../foundation/logger.ts';
import type { LoopBlockListener } from '../foundation/loop-block.ts';
import type { LeaseListener, PoolListener } from '../foundation/pool-event.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import type { BackupOptions, BackupReport, RestoreOptions, RestoreReport } from './backup.ts';
import type { DirectExecutor } from './direct-executor.ts';
import type { EngineGauges } from './engine-gauges.ts';
import type { ExaminationFinding } from './examination.ts';
import type { MigrationTraits } from './migration-traits.ts';
import type { NotificationListener, Subscription } from './notifications.ts';
import type { ExplainedStatement, PlanFacts } from './plan-facts.ts';
import type { SqlVocabulary } from './sql-vocabulary.ts';
import type { TransferTraits } from './transfer-traits.ts';

/**
 * A kind of database, as a value. Everything above an engine talks to this contract and never asks which
 * engine it is; where SQL itself differs, the engine's vocabulary has the words.
 *
 * An application may bring its own: hand it to the factory as `engines: [myEngine]`.
 */
export interface Engine<Type extends string = string, Connection extends object = object> {
  /** Which configurations pick the engine, and how its connection is checked. */
  readonly config: EngineConfig<Type, Connection>;
  /** Makes an engine's working parts. Synchronous; it opens nothing. */
  open(config: DatabaseConfig<Type, Connection>, context: EngineContext): OpenEngine;
  /**
   * Puts a backup in the place of a database that nobody has open. Killed at any moment it leaves the old database
   * or the new one. Absent where the engine has no such thing.
   *
   * @param file the backup, which is checked first
   * @throws ConfigurationError where it cannot be done here; DatabaseBusyError where somebody has the database open;
   *   CorruptDatabaseError where the backup is none
   */
  restore?(
    config: DatabaseConfig<Type, Connection>,
    file: string,
    context: EngineContext,
    options: RestoreOptions,
  ): Promise<RestoreReport>;
}

/** What an engine is given from outside. */
export interface EngineContext {
  /** Where the engine gets all time from: deadlines, waits, ages. */
  readonly clock: Clock;
  /** Hears what nobody waits for, such as a connection that was lost while it lay idle. */
  readonly logger: Logger;
  /** Hears what happens in the engine's pool. */
  readonly onPoolEvent: PoolListener;
  /** Hears of every connection that is lent; undefined where nobody does. */
  readonly leases?: LeaseListener | undefined;
  /** Hears of statements that kept the event loop from turning; undefined where nobody does. */
  readonly onLoopBlock?: LoopBlockListener | undefined;
}

/** An engine at work for one configuration. */
export interface OpenEngine {
  /**
   * The dialect for Kysely. Its driver does its own queueing, so its adapter says that it supports
   * multiple connections. Only errors of this library leave it.
   */
  readonly dialect: Dialect;
  /**
   * The way past Kysely's executor, for statements that are compiled already. Optional: without it they go
   * through the dialect.
   */
  readonly direct?: DirectExecutor;
  /**
   * Reads what is committed at this moment, for whoever holds a transaction that may see an older state, over a
   * connection beside the pool. Absent where a transaction that writes sees the latest state anyway.
   */
  readonly committedReads?: DirectExecutor;
  /**
   * Call it when another process has told of a commit: a read that begins from now on is not answered from before it.
   * Absent where no read is ever older than what is committed.
   */
  readonly noteForeignWrites?: () => void;
  /**
   * Whether the database is on the other side of a connection that can be lost. Reads that go directly are
   * then tried again on another one. False by default.
   */
  readonly isRemote?: boolean;
  /** What is said differently in this engine's SQL. */
  readonly sql: SqlVocabulary;
  /** How migrations run here. */
  readonly migrations: MigrationTraits;
  /** How whole databases are copied from here and to here; absent where they cannot be. */
  readonly transfer?: TransferTraits;
  /**
   * Listens to what others send on a channel by `sql.notify`, over a connection beside the pool that comes back
   * by itself when it is lost. Nothing waits for it: it connects behind the call, holds no process, and ends
   * with `close`. Absent where the engine cannot: then whoever waits for something looks from time to time.
   *
   * @param channel an identifier in lower case
   * @param listener hears the payloads, and when some may have been missed
   * @returns ends the listening
   */
  listen?(channel: string, listener: NotificationListener): Subscription;
  /**
   * Copies the database as it is at one moment into a file, while it is used. A file that is not whole never has
   * the name. Absent where the engine has no such thing.
   *
   * @param file where the backup goes
   * @throws ConfigurationError where it cannot be done here, or the name is taken; and the signal's reason
   */
  backup?(file: string, options: BackupOptions): Promise<BackupReport>;
  /**
   * Asks the database how it would run a read, without running it, on a connection that nobody holds or waits for.
   * Absent where the engine has no such thing.
   *
   * @returns undefined where no connection is free at once, or the statement is no single read
   * @throws the error of the database, such as for a text that it does not take
   */
  explain?(statement: ExplainedStatement): Promise<PlanFacts | undefined>;
  /** The absolute path of the database. Absent where it is no file of this machine. */
  readonly file?: string;
  /**
   * Looks at how the database is set up and whether it is sound, for whoever is to mend it. It changes nothing, and
   * may read all of the database. Absent where the engine has nothing to look at.
   *
   * @param db the root handle; what can be seen without it is looked at first
   * @returns what was looked at, good and bad
   */
  examine?(db: Kysely<any>): Promise<readonly ExaminationFinding[]>;
  /** The state of the pool. */
  stats(): PoolStats;
  /**
   * What the engine can tell of itself beside its pool. It keeps nobody waiting: it takes no place in the line for a
   * connection, and a server that does not answer costs about a second. Absent where there is nothing to tell.
   *
   * @returns the figures that can be read at the moment; it does not reject
   */
  gauges?(): Promise<EngineGauges>;
  /**
   * Refuses new work (PoolClosedError), waits for what is under way until the deadline, then closes
   * every connection. A second call waits for the first.
   *
   * @param deadline in ms from now
   */
  close(deadline: number): Promise<void>;
}
