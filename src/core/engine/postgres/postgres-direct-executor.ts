import type { CompiledQuery, QueryResult } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import type { DirectExecutor } from '../direct-executor.ts';
import type { StatementOptions } from '../statement-options.ts';
import { requireNoBoundary, requireNoTransactionControl } from '../transaction-control.ts';
import { InsertGroups } from './insert-groups.ts';
import { runBatch } from './postgres-batch.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { WireResult } from './postgres-exchange.ts';
import type { PostgresPool } from './postgres-pool.ts';
import { toQueryResult } from './postgres-results.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';
import { runAlone } from './run-alone.ts';
import { SharedReads } from './shared-reads.ts';
import { withoutStaleStatements } from './stale-statements.ts';
import { traitsOf, type StatementTraits } from './statement-traits.ts';

/** What a direct executor needs to know. */
export interface PostgresDirectOptions {
  /** The longest that one statement may take, in ms; 0 is no limit. */
  readonly statementTimeout: number;
  readonly clock: Clock;
}

/**
 * Statements outside of transactions, by the way that suits each: quick reads of several callers share
 * connections, single inserts share commits, and everything else has a connection to itself.
 */
export class PostgresDirectExecutor implements DirectExecutor {
  readonly #pool: PostgresPool;
  readonly #options: PostgresDirectOptions;
  readonly #reads: SharedReads;
  readonly #inserts: InsertGroups;

  constructor(pool: PostgresPool, options: PostgresDirectOptions) {
    this.#pool = pool;
    this.#options = options;
    this.#reads = new SharedReads(pool, options.clock);
    this.#inserts = new InsertGroups(pool, options);
  }

  async execute<Row>(
    query: CompiledQuery<Row>,
    { signal, timing }: StatementOptions = {},
  ): Promise<QueryResult<Row>> {
    requireNoTransactionControl(query.sql);
    // What may be cancelled has a connection of its own: the server cancels whatever runs on one.
    if (signal !== undefined) return this.#executeAbortable<Row>(query, signal, timing);
    this.#pool.style.checkParameters(query.parameters);
    return toQueryResult<Row>(await this.#run(query, traitsOf(query), timing));
  }

  async batch(
    queries: readonly CompiledQuery[],
    timing?: StatementTiming,
  ): Promise<readonly QueryResult<unknown>[]> {
    if (queries.length === 0) return [];
    for (const { sql, parameters } of queries) {
      requireNoBoundary(sql);
      this.#pool.style.checkParameters(parameters);
    }
    const traits = queries.map(traitsOf);
    const { statementTimeout, clock } = this.#options;
    const statements = queries.map((query, index) => toStatement(query, traits[index]!));
    const mayWrite = traits.some((each) => each.mayWrite);
    const results = await this.#withSession(timing, (session) => {
      if (traits.some(({ leavesTraces }) => leavesTraces)) session.isTouched = true;
      return withoutStaleStatements(() =>
        runBatch(session, { statements, mayWrite, statementTimeout }, this.#pool, clock),
      );
    });
    return results.map((result) => toQueryResult(result));
  }

  #run(
    query: CompiledQuery,
    traits: StatementTraits,
    timing: StatementTiming | undefined,
  ): Promise<WireResult> {
    const statement = toStatement(query, traits);
    if (traits.leavesTraces) return this.#runAlone(statement, traits, timing);
    if (traits.isRead && this.#reads.isQuick(query.sql)) {
      return withoutStaleStatements(() => this.#reads.run(statement, timing));
    }
    if (traits.isSingleInsert) return this.#inserts.run(statement, timing);
    return this.#runAlone(statement, traits, timing);
  }

  #runAlone(
    statement: SessionStatement,
    { mayWrite, isRead, leavesTraces }: StatementTraits,
    timing: StatementTiming | undefined,
  ): Promise<WireResult> {
    const { clock } = this.#options;
    return this.#withSession(timing, async (session) => {
      if (leavesTraces) session.isTouched = true;
      const start = clock.monotonic();
      const result = await runAlone(session, statement, mayWrite);
      if (isRead) this.#pool.catalog.noteDuration(statement.text, clock.monotonic() - start);
      return result;
    });
  }

  async #withSession<Result>(
    timing: StatementTiming | undefined,
    work: (session: PostgresSession) => Promise<Result>,
  ): Promise<Result> {
    const session = this.#pool.tryAcquire() ?? (await timeWait(timing, () => this.#pool.acquire()));
    // It may have waited for a replica before, and in vain.
    timing?.endWait();
    try {
      return await work(session);
    } finally {
      this.#pool.release(session);
    }
  }

  async #executeAbortable<Row>(
    query: CompiledQuery,
    signal: AbortSignal,
    timing: StatementTiming | undefined,
  ): Promise<QueryResult<Row>> {
    signal.throwIfAborted();
    const session = await timeWait(timing, () => this.#pool.acquire(signal));
    const connection = new PostgresConnection(session, this.#pool, this.#options.clock);
    const aborted = Promise.withResolvers<never>();
    const abort = () => {
      aborted.reject(signal.reason as Error);
      void connection.cancelQuery();
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const run = async (): Promise<QueryResult<Row>> => {
      try {
        return await connection.executeQuery<Row>(query);
      } finally {
        signal.removeEventListener('abort', abort);
        await connection.release();
      }
    };
    return Promise.race([run(), aborted.promise]);
  }
}

function toStatement(
  { sql, parameters }: CompiledQuery,
  { isPreparable }: StatementTraits,
): SessionStatement {
  return { text: sql, values: parameters, prepare: isPreparable };
}
