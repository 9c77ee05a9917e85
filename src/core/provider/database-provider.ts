import { CompiledQuery, sql, type Kysely, type Transaction } from 'kysely';
import type { BackupOptions, BackupReport } from '../engine/backup.ts';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import type { SchemaGuard, SchemaMode } from '../engine/schema-guard.ts';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { EngineGauges } from '../engine/engine-gauges.ts';
import type { ExaminationFinding } from '../engine/examination.ts';
import type { OpenEngine } from '../engine/engine.ts';
import type { NotificationListener, Subscription } from '../engine/notifications.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Clock } from '../foundation/clock.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import { runBatch, type BatchMember, type BatchResults } from '../query/batch.ts';
import { SharedDefinitions } from '../query/shared-definitions.ts';
import { rewritePlaceholders } from '../query/placeholders.ts';
import { runStatement, type StatementTarget } from '../query/statement-target.ts';
import type { Logger } from '../foundation/logger.ts';
import { bindCommittedReads, type CommittedReads } from './committed-reads.ts';
import { bindForeignWrites } from './foreign-writes.ts';
import { checkDeadline } from './deadline.ts';
import { defaultDeadlines, type CloseOptions, type InitializeOptions } from './lifecycle-options.ts';
import { checkSchemaMode } from './schema-mode.ts';
import { checkHealth, type HealthReport } from './health.ts';
import { makeBackup } from './make-backup.ts';
import { outside } from './transaction-context.ts';
import { bindTransfer } from './transfer.ts';
import type { TransactionOptions } from './transaction-options.ts';
import { bindTransactions, type Transactions } from './transactions.ts';
import { waitForDatabase } from './wait-for-database.ts';

/**
 * Work that runs once when a provider is initialised, such as migrating. It may query the provider, and must
 * not wait for `initialize()`, which waits for it.
 */
export type InitializeHook<DB> = (provider: DatabaseProvider<DB>) => Promise<void>;

/** What a provider is made of; the factory puts it together. */
export interface ProviderParts<DB> {
  /** The type of the engine. */
  readonly type: string;
  /** The engine at work. */
  readonly engine: OpenEngine;
  /** Kysely on the dialect of the engine. */
  readonly db: Kysely<DB>;
  /** The way past Kysely's executor; undefined where there is none. */
  readonly direct: DirectExecutor | undefined;
  /** Reads what is committed at this moment; undefined where a transaction sees that anyway. */
  readonly committedReads: CommittedReads | undefined;
  /** Runs work in transactions. */
  readonly transactions: Transactions<DB>;
  /** Where deadlines get their time from. */
  readonly clock: Clock;
  /** Hears what nobody waits for. */
  readonly logger: Logger;
  /** Answers for the schema; undefined where nobody does. */
  readonly schema: SchemaGuard | undefined;
  /** What runs once at `initialize`, in this order. */
  readonly hooks: readonly InitializeHook<DB>[];
}

/**
 * One database, typed by its table interfaces. It opens nothing until it is used, knows its engine's
 * vocabulary, and is closed once.
 *
 * It does not cache or audit; those are rooms of their own that use it.
 *
 * @example
 * await using provider = DatabaseProviderFactory.createProvider<Tables>('sqlite:./app.db');
 * const users = await provider.db.selectFrom('users').selectAll().execute();
 */
export class DatabaseProvider<DB> implements StatementTarget<DB>, AsyncDisposable {
  /** The engine's type, for reports and logs. Code must not branch on it: `sql` has the differences. */
  readonly type: string;
  /** Kysely, typed. Works at once; the first query connects. */
  readonly db: Kysely<DB>;
  /**
   * The way past Kysely's executor for statements that are compiled already; undefined where the engine has
   * none, or where plugins must see results. Prepared queries and repositories take it by themselves.
   */
  readonly direct: DirectExecutor | undefined;
  /** What repositories of this provider and of its transactions have in common. */
  readonly shared = new SharedDefinitions();
  /** What is said differently in this engine's SQL. */
  readonly sql: SqlVocabulary;
  /** How migrations run here; for the Migrator. */
  readonly migrations: MigrationTraits;
  /** The absolute path of the database; undefined where it is no file of this machine. */
  readonly file: string | undefined;
  readonly #engine: OpenEngine;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #transactions: Transactions<DB>;
  readonly #schema: SchemaGuard | undefined;
  readonly #hooks: readonly InitializeHook<DB>[];
  #initialized: Promise<void> | undefined;

  /**
   * Use `DatabaseProviderFactory.createProvider`.
   *
   * @param parts what it is made of
   */
  constructor(parts: ProviderParts<DB>) {
    this.type = parts.type;
    this.db = parts.db;
    this.direct = parts.direct;
    this.sql = parts.engine.sql;
    this.migrations = parts.engine.migrations;
    this.file = parts.engine.file;
    this.#engine = parts.engine;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#transactions = parts.transactions;
    bindTransactions(this, parts.transactions);
    bindCommittedReads(this, parts.committedReads);
    bindForeignWrites(this, parts.engine.noteForeignWrites);
    bindTransfer(this, parts.engine.transfer);
    this.#schema = parts.schema;
    this.#hooks = parts.hooks;
  }

  /**
   * Connects now and runs the hooks in their order. Optional: without it the first query connects, and
   * no hook runs. A second call waits for the first; after a failure the next call tries again.
   *
   * A server that is not up yet is waited for: nothing listens, its name is not known yet, it starts, it has
   * no slot left. What waiting cannot mend is told at once: a wrong password, a certificate, an unknown
   * database, a file that cannot be opened.
   *
   * @param options `deadline` in ms, an integer from 0 to 86,400,000, and what is done about the schema
   * @throws ConnectionError when the database cannot be reached; and whatever a hook throws
   * @throws MigrationError where migrations are pending, or fail
   * @throws IntegrityDriftError where the schema is not what its migrations left
   * @throws ValidationError where the deadline is none, or nobody answers for the schema
   * @example
   * await provider.initialize({ deadline: 60_000, schema: 'verify' });
   */
  async initialize(options: InitializeOptions = {}): Promise<void> {
    const { deadline = defaultDeadlines.initialize } = options;
    checkDeadline(deadline);
    const schema = checkSchemaMode(options.schema, this.#schema);
    this.#initialized ??= this.#connectAndRunHooks(deadline, schema).catch((error: unknown) => {
      this.#initialized = undefined;
      throw error;
    });
    await this.#initialized;
  }

  /**
   * Runs a SQL text that returns rows, outside of any transaction.
   *
   * @param text SQL with `?` for each parameter, on every engine; `??` stands for a literal question mark
   * @param parameters one a placeholder
   * @returns the rows, as the driver gives them; `Row` is not checked
   * @throws ValidationError when the parameters do not fit the placeholders or would not round-trip
   * @throws QueryError, or another error of the tree, when the database refuses the statement
   * @example
   * const [row] = await provider.query<{ n: number }>('select count(*) as n from users where email = ?', [email]);
   */
  async query<Row = Record<string, unknown>>(
    text: string,
    parameters: readonly unknown[] = [],
  ): Promise<Row[]> {
    const compiled = rewritePlaceholders(text, parameters.length, this.sql);
    const { rows } = await runStatement(this, CompiledQuery.raw(compiled, [...parameters]), undefined);
    return rows as Row[];
  }

  /**
   * Runs a SQL text for its effect, outside of any transaction.
   *
   * @param text as in `query`
   * @param parameters one a placeholder
   * @returns how many rows it inserted, updated or deleted; 0 for statements that count none
   * @throws as `query`
   */
  async exec(text: string, parameters: readonly unknown[] = []): Promise<number> {
    const compiled = rewritePlaceholders(text, parameters.length, this.sql);
    const statement = CompiledQuery.raw(compiled, [...parameters]);
    const { numAffectedRows } = await runStatement(this, statement, undefined);
    return Number(numAffectedRows ?? 0n);
  }

  /**
   * Runs work in one transaction: commits when it returns, rolls back when it throws or one of its statements has
   * failed. It does not retry unless it is told to. Inside, use `tx` and hand it on as `{ on: tx }`: what is asked
   * of the root handle there is OutsideTransactionError.
   *
   * @param work is given the typed Kysely transaction
   * @param options isolation level, access mode, retry, time limit and signal; the engine's own level, read-write
   *   and none of the others by default
   * @returns what the work returns
   * @throws what the work throws, or the error of the database
   * @throws TransactionAbortedError where a statement has failed and the work returned all the same
   * @throws OutsideTransactionError inside of a running transaction: nest with `UnitOfWork.run`
   * @throws TransactionTimeoutError where the time ran out, and the signal's reason where it fired
   * @throws ValidationError with every fault of the options
   * @example
   * await provider.transaction(async (tx) => {
   *   await accounts.update(from, { on: tx });
   *   await accounts.update(to, { on: tx });
   * });
   */
  async transaction<Result>(
    work: (tx: Transaction<DB>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    // Awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
    const result = await this.#transactions.run((scope) => work(scope.db), options);
    return result;
  }

  /**
   * Runs statements as one transaction that is declared whole: sent in one go where the engine can, all or
   * nothing. What one statement needs of another's result belongs into `transaction`.
   *
   * @param members prepared queries `with` their parameters, Kysely's builders, or compiled queries, in the
   *   order in which they run; an empty list sends nothing
   * @returns what `execute` of each one would return, in the same order
   * @throws ValidationError where a parameter would not come back as it went in
   * @throws the error of the member that failed, or of the commit; nothing of the batch is stored then
   * @example
   * const [, [user]] = await provider.batch([addMessage.with({ id, text }), userById.with({ id: owner })]);
   */
  batch<const Members extends readonly BatchMember[]>(members: Members): Promise<BatchResults<Members>> {
    return runBatch(this, members, (statements) =>
      this.transaction(async (tx) => {
        const results = [];
        for (const statement of statements) results.push(await tx.executeQuery(statement));
        return results;
      }),
    );
  }

  /**
   * Asks the database for its version and times the answer.
   *
   * @returns the report; it never throws
   */
  healthCheck(): Promise<HealthReport> {
    return checkHealth(this.type, () => outside(() => this.#askVersion()), this.#clock);
  }

  /**
   * Listens to what other processes send on a channel with `sql.notify`. It connects behind the call, over a
   * connection beside the pool that comes back by itself when it is lost, and ends with `close`. It holds no
   * process. What is sent while it is away is missed; `onGap` tells of that.
   *
   * @param channel an identifier in lower case, at most 63 characters
   * @param listener hears the payloads, and each time that some may have been missed
   * @returns ends the listening; undefined where the engine cannot listen, such as SQLite
   * @throws ValidationError where the channel is none
   * @throws PoolClosedError after `close`
   * @example
   * const subscription = provider.listen('prices', { onNotification: refresh, onGap: refreshAll });
   */
  listen(channel: string, listener: NotificationListener): Subscription | undefined {
    return this.#engine.listen?.(channel, listener);
  }

  /**
   * Copies the database as it is at this moment into a file, while everybody goes on reading and writing; on a
   * database in memory, writes wait. The copy is checked, on the disk, and for its owner alone to read. A file that
   * is not whole never has the name.
   *
   * @param file where the backup goes; its folder must be there
   * @param options `overwrite`, `onProgress` and `signal`; a name that is taken is refused by default
   * @returns the absolute path, the size, and how long it took
   * @throws ConfigurationError where the name is taken or cannot be written, the database has no file yet, or the
   *   engine makes no backups: on Postgres the message holds the pg_dump command to run
   * @throws CorruptDatabaseError where the copy does not pass the check; DiskFullError; PoolClosedError after `close`;
   *   and the signal's reason
   * @example
   * const { file, bytes } = await provider.backup('./backups/app.db');
   */
  backup(file: string, options: BackupOptions = {}): Promise<BackupReport> {
    return makeBackup({ engine: this.#engine, type: this.type }, file, options);
  }

  /** @returns the state of the pool at this moment */
  stats(): PoolStats {
    return this.#engine.stats();
  }

  /**
   * Looks at how the database is set up and whether it is sound, as `liminal-data doctor` does: versions, damage, rows
   * that break a foreign key, foreign keys without an index, durability, limits of the server. It changes nothing, and
   * reads all of a SQLite database, on the thread of the caller: no call for a service at work.
   *
   * @returns what was looked at, good and bad; nothing where the engine cannot look
   * @throws ConnectionError where the database cannot be reached, and the errors of a statement
   * @example
   * const faults = (await provider.examine()).filter(({ status }) => status !== 'healthy');
   */
  async examine(): Promise<readonly ExaminationFinding[]> {
    return (await this.#engine.examine?.(this.db)) ?? [];
  }

  /**
   * Reads what the engine can tell of itself beside its pool: of SQLite the write-ahead log, checkpoints, the
   * writer's line, how long statements have held the event loop, and the worker threads; of Postgres its version,
   * the sessions, prepared statements, and how far each replica is behind. It waits for no connection of the pool.
   *
   * @returns the figures that can be read at the moment; what cannot is absent, and it never throws
   * @example
   * const { wal, loop, replicas = [] } = await provider.gauges();
   */
  async gauges(): Promise<EngineGauges> {
    try {
      return (await this.#engine.gauges?.()) ?? {};
    } catch (error) {
      this.#logger.debug({ error }, 'the figures of an engine could not be read');
      return {};
    }
  }

  /**
   * Refuses new work (PoolClosedError), waits for what is under way until the deadline, cuts off the
   * rest and closes every connection. Later calls wait for the first.
   *
   * @param options `deadline` in ms, an integer from 0 to 86,400,000
   * @throws ValidationError where the deadline is none; nothing is closed then
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { deadline = defaultDeadlines.close } = options;
    checkDeadline(deadline);
    await this.#engine.close(deadline);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #askVersion(): Promise<string> {
    const { rows } = await sql<{ version: string }>`select ${this.sql.version()} as version`.execute(this.db);
    return (rows[0] as { version: string }).version;
  }

  async #connectAndRunHooks(deadline: number, schema: SchemaMode): Promise<void> {
    await waitForDatabase(() => this.#askVersion(), { deadline, clock: this.#clock, logger: this.#logger });
    if (schema !== 'ignore') await this.#schema?.check(this, schema);
    for (const hook of this.#hooks) await hook(this);
  }
}
