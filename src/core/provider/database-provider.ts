import { CompiledQuery, sql, type IsolationLevel, type Kysely, type Transaction } from 'kysely';
import type { MigrationTraits } from '../engine/migration-traits.ts';
import type { OpenEngine } from '../engine/engine.ts';
import type { SqlVocabulary } from '../engine/sql-vocabulary.ts';
import type { Clock } from '../foundation/clock.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { PoolStats } from '../foundation/pool-stats.ts';
import { rewritePlaceholders } from '../query/placeholders.ts';
import { checkHealth, type HealthReport } from './health.ts';

/** How a transaction runs. */
export interface TransactionOptions {
  /** The isolation level; the engine's own by default. SQLite accepts every level and runs `serializable`. */
  readonly isolation?: IsolationLevel;
  /** Whether writes are refused with ReadOnlyDatabaseError. False by default. */
  readonly readOnly?: boolean;
}

/** How a provider closes. */
export interface CloseOptions {
  /** How long work under way may take to end, in ms from 0 to 24 h; then it is cut off. 10,000 by default. */
  readonly deadline?: number;
}

/**
 * Work that runs once when a provider is initialised, such as migrating. It may query the provider, and must
 * not wait for `initialize()`, which waits for it.
 */
export type InitializeHook<DB> = (provider: DatabaseProvider<DB>) => Promise<void>;

/** What a provider is made of; the factory puts it together. */
export interface ProviderParts<DB> {
  readonly type: string;
  readonly engine: OpenEngine;
  readonly db: Kysely<DB>;
  readonly clock: Clock;
  readonly hooks: readonly InitializeHook<DB>[];
}

const defaultCloseDeadline = 10_000;
const maxCloseDeadline = 24 * 60 * 60 * 1_000;

/**
 * One database, typed by its table interfaces. It opens nothing until it is used, knows its engine's
 * vocabulary, and is closed once.
 *
 * It does not retry, cache or audit; those are rooms of their own that use it.
 *
 * @example
 * await using provider = DatabaseProviderFactory.createProvider<Tables>('sqlite:./app.db');
 * const users = await provider.db.selectFrom('users').selectAll().execute();
 */
export class DatabaseProvider<DB> implements AsyncDisposable {
  /** The engine's type, for reports and logs. Code must not branch on it: `sql` has the differences. */
  readonly type: string;
  /** Kysely, typed. Works at once; the first query connects. */
  readonly db: Kysely<DB>;
  /** What is said differently in this engine's SQL. */
  readonly sql: SqlVocabulary;
  /** How migrations run here; for the Migrator. */
  readonly migrations: MigrationTraits;
  readonly #engine: OpenEngine;
  readonly #clock: Clock;
  readonly #hooks: readonly InitializeHook<DB>[];
  #initialized: Promise<void> | undefined;

  /** Use `DatabaseProviderFactory.createProvider`. */
  constructor(parts: ProviderParts<DB>) {
    this.type = parts.type;
    this.db = parts.db;
    this.sql = parts.engine.sql;
    this.migrations = parts.engine.migrations;
    this.#engine = parts.engine;
    this.#clock = parts.clock;
    this.#hooks = parts.hooks;
  }

  /**
   * Connects now and runs the hooks in their order. Optional: without it the first query connects, and
   * no hook runs. A second call waits for the first; after a failure the next call tries again.
   *
   * @throws ConnectionError when the database cannot be reached; and whatever a hook throws
   */
  initialize(): Promise<void> {
    this.#initialized ??= this.#connectAndRunHooks().catch((error: unknown) => {
      this.#initialized = undefined;
      throw error;
    });
    return this.#initialized;
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
    const { rows } = await this.db.executeQuery<Row>(CompiledQuery.raw(compiled, [...parameters]));
    return rows;
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
    const { numAffectedRows } = await this.db.executeQuery(CompiledQuery.raw(compiled, [...parameters]));
    return Number(numAffectedRows ?? 0n);
  }

  /**
   * Runs work in one transaction: commits when it returns, rolls back when it throws. It does not retry.
   * Inside, use `tx` and hand it on as `{ on: tx }`: the root handle waits for another connection, which
   * SQLite does not have (PoolTimeoutError).
   *
   * @param work is given the typed Kysely transaction
   * @returns what the work returns
   * @throws what the work throws, or the error of the database
   * @example
   * await provider.transaction(async (tx) => {
   *   await accounts.update(from, { on: tx });
   *   await accounts.update(to, { on: tx });
   * });
   */
  transaction<Result>(
    work: (tx: Transaction<DB>) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    const { isolation, readOnly = false } = options;
    let builder = this.db.transaction();
    if (isolation !== undefined) builder = builder.setIsolationLevel(isolation);
    if (readOnly) builder = builder.setAccessMode('read only');
    return builder.execute(work);
  }

  /**
   * Asks the database for its version and times the answer.
   *
   * @returns the report; it never throws
   */
  healthCheck(): Promise<HealthReport> {
    return checkHealth(this.type, () => this.#askVersion(), this.#clock);
  }

  /** @returns the state of the pool at this moment */
  stats(): PoolStats {
    return this.#engine.stats();
  }

  /**
   * Refuses new work (PoolClosedError), waits for what is under way until the deadline, cuts off the
   * rest and closes every connection. Later calls wait for the first.
   *
   * @param options `deadline` in ms, an integer from 0 to 86,400,000
   * @throws ValidationError where the deadline is none; nothing is closed then
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { deadline = defaultCloseDeadline } = options;
    // A timer takes whatever it cannot count as 1 ms, and would cut everything off.
    if (!Number.isInteger(deadline) || deadline < 0 || deadline > maxCloseDeadline) {
      const message = `must be an integer from 0 to ${maxCloseDeadline} ms`;
      throw new ValidationError([{ path: ['deadline'], message }]);
    }
    await this.#engine.close(deadline);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #askVersion(): Promise<string> {
    const { rows } = await sql<{ version: string }>`select ${this.sql.version()} as version`.execute(this.db);
    return (rows[0] as { version: string }).version;
  }

  async #connectAndRunHooks(): Promise<void> {
    await this.#askVersion();
    for (const hook of this.#hooks) await hook(this);
  }
}
