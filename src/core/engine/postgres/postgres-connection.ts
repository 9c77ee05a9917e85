import type { CompiledQuery, QueryResult, TransactionSettings } from 'kysely';
import type { Clock } from '../../foundation/clock.ts';
import {
  StalePreparedStatementError,
  TransactionAbortedError,
} from '../../foundation/errors/transaction-errors.ts';
import type { Lease } from '../lease.ts';
import { markRolledBack } from '../transaction-aborted.ts';
import { transactionClosed } from '../transaction-closed.ts';
import { isUnheard, type AbortOptions } from './after-abort.ts';
import { signalBackend, type BackendSignal } from './backend-signal.ts';
import { askForXid, rolledBack, settleLostCommit } from './commit-outcome.ts';
import { openTransaction, withLimitOf, xidOf, type OpenTransaction } from './open-transaction.ts';
import { streamByCursor } from './postgres-cursor.ts';
import type { ExchangeFailure, WireResult } from './postgres-exchange.ts';
import type { PostgresPool } from './postgres-pool.ts';
import { toQueryResult } from './postgres-results.ts';
import type { PostgresSession, SessionStatement } from './postgres-session.ts';
import { runAlone } from './run-alone.ts';
import { liftSessionLimit, liftStatementLimit } from './statement-limit.ts';
import { readsOnly, traitsOf } from './statement-traits.ts';

/**
 * A session, lent once. Statements run one after the other, and COMMIT and ROLLBACK behind them; what comes
 * later is kept away by the guard around the lease. After `release` the lease is dead.
 *
 * A transaction costs no round trip of its own to begin: BEGIN is sent along with its first statement, and
 * one without any statement sends nothing at all.
 */
export class PostgresConnection implements Lease {
  readonly session: PostgresSession;
  readonly #pool: PostgresPool;
  readonly #clock: Clock;
  #transaction: OpenTransaction | undefined;
  #running: Promise<void> | undefined;
  #signalling: Promise<void> | undefined;
  /** Whether statements may take as long as they need while it is lent; see statement-limit.ts. */
  #isUnlimited = false;
  #released = false;

  /** @param pool where it was lent from, and who can reach the server while the session is busy */
  constructor(session: PostgresSession, pool: PostgresPool, clock: Clock) {
    this.session = session;
    this.#pool = pool;
    this.#clock = clock;
  }

  /** Whether what runs next is part of a transaction, be it that its BEGIN is still to be sent. */
  get isInTransaction(): boolean {
    return this.#transaction !== undefined || this.session.transaction !== 'none';
  }

  async begin(settings: TransactionSettings): Promise<void> {
    this.#transaction = openTransaction(settings);
  }

  /**
   * Where the reply does not come, the server is asked over another connection what became of the transaction.
   *
   * @throws TransactionAbortedError where the server rolled back instead
   * @throws ConnectionError where the connection was lost and nothing is applied
   * @throws CommitOutcomeUnknownError where the connection was lost and nobody can tell
   */
  async commit(): Promise<void> {
    await this.#end(async (transaction) => {
      if (transaction?.begin !== undefined) return;
      const lostBefore = this.session.isLost;
      if (transaction?.xid === undefined) this.#askLate(transaction);
      try {
        const { failure } = this.session;
        const { command } = await this.session.run(withLimitOf(transaction, { text: 'commit' }));
        if (command === 'ROLLBACK') throw abortedError(failure);
      } catch (cause) {
        if (lostBefore || !this.session.isLost) throw cause;
        if (transaction?.xid === null) throw rolledBack(cause);
        const { incarnation } = this.session;
        await settleLostCommit(this.#pool, this.#clock, { xid: transaction?.xid, incarnation, cause });
      }
    });
  }

  /** Where it fails the session is closed, so that the server rolls back by itself. */
  async rollback(): Promise<void> {
    await this.#end(async (transaction) => {
      if (transaction?.begin !== undefined || this.session.transaction === 'none') return;
      const failure = await this.session.rollBack();
      if (failure !== undefined) throw failure;
    });
  }

  async executeQuery<Row>(query: CompiledQuery, options?: AbortOptions): Promise<QueryResult<Row>> {
    try {
      this.#pool.style.checkParameters(query.parameters);
      const { mayWrite, isPreparable, leavesTraces } = traitsOf(query);
      if (leavesTraces) this.session.isTouched = true;
      if (query.sql === liftStatementLimit && this.#transaction !== undefined)
        this.#transaction.isUnlimited = true;
      if (query.sql === liftSessionLimit) this.#isUnlimited = true;
      return toQueryResult<Row>(await this.run(this.#toStatement(query, isPreparable), mayWrite));
    } catch (error) {
      if (isUnheard(options)) return { rows: [] };
      throw this.#pool.style.translate(error);
    }
  }

  /**
   * Reads a SELECT by a cursor, in the transaction that runs or in one of its own, so that no more than a
   * chunk is in memory. A consumer that rests for over a minute between two chunks loses the connection
   * (see postgres-session-setup.ts). What writes is run whole and handed out in chunks.
   */
  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: AbortOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    try {
      if (readsOnly(query.query)) {
        this.#pool.style.checkParameters(query.parameters);
        yield* streamByCursor<Row>(this, query, chunkSize);
        return;
      }
      const { rows } = await this.executeQuery<Row>(query);
      for (let start = 0; start < rows.length; start += chunkSize)
        yield { rows: rows.slice(start, start + chunkSize) };
    } catch (error) {
      if (!isUnheard(options)) throw this.#pool.style.translate(error);
    }
  }

  /**
   * Cancels the statement under way on the server. It asks over a connection of its own; where that fails, the
   * statement goes on to its own limit, and its caller has gone already.
   */
  cancelQuery(): Promise<void> {
    return this.#signal('pg_cancel_backend');
  }

  /** Ends the session on the server, with whatever runs in it. Where that fails, the connection is cut here. */
  async killSession(): Promise<void> {
    await this.#signal('pg_terminate_backend');
  }

  /**
   * Runs one statement in its turn, with what is to be sent along with it.
   *
   * @param mayWrite whether a lost answer leaves it open what was applied
   */
  run(statement: SessionStatement, mayWrite = false): Promise<WireResult> {
    return this.#inTurn(() => {
      const prepared = this.#mayBeStale ? { ...statement, prepare: false } : statement;
      const sent = this.#isUnlimited ? { ...prepared, limit: 0 } : prepared;
      return this.#transaction === undefined
        ? runAlone(this.session, sent, mayWrite)
        : this.#runInTransaction(sent, mayWrite, this.#transaction);
    });
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    // A signal to the server that is still on its way would hit whoever had the session next.
    if (this.#signalling !== undefined) await this.#signalling;
    this.#pool.release(this.session);
  }

  /** Whether a prepared statement that has gone stale would end a transaction that nobody runs again. */
  get #mayBeStale(): boolean {
    if (this.#pool.style.preparesInTransactions) return false;
    return this.#transaction === undefined
      ? this.session.transaction !== 'none'
      : this.#transaction.begin === undefined;
  }

  #toStatement({ sql, parameters, query }: CompiledQuery, prepare: boolean): SessionStatement {
    // Without parameters pg sends the text as it is, and it may hold several statements.
    const isScript = this.#pool.style.takesScripts && parameters.length === 0 && query.kind === 'RawNode';
    return isScript ? { text: sql } : { text: sql, values: parameters, prepare };
  }

  async #runInTransaction(
    statement: SessionStatement,
    mayWrite: boolean,
    transaction: OpenTransaction,
  ): Promise<WireResult> {
    if (statement.values === undefined) return this.#runScript(statement, transaction);
    const { begin } = transaction;
    const asksXid = mayWrite && transaction.xid === undefined;
    if (begin === undefined && !asksXid) return this.session.run(withLimitOf(transaction, statement));
    const parts = begin === undefined ? [statement] : [{ text: begin }, statement];
    const place = parts.length - 1;
    transaction.begin = undefined;
    try {
      const sent = asksXid ? [...parts, askForXid] : parts;
      const results = await this.#runParts(
        sent,
        place,
        transaction.isUnlimited || this.#isUnlimited ? 0 : undefined,
      );
      if (asksXid) transaction.xid = xidOf(results[place + 1]) ?? undefined;
      const result = results[place]!;
      this.session.requireReadable(result);
      return result;
    } catch (error) {
      if (begin === undefined || !(error instanceof StalePreparedStatementError)) throw error;
      // Nothing of the transaction has run before, so it can begin again here.
      await this.session.rollBack();
      transaction.begin = begin;
      return this.#runInTransaction({ ...statement, prepare: false }, mayWrite, transaction);
    }
  }

  // A script cannot share a Sync with others.
  async #runScript(script: SessionStatement, transaction: OpenTransaction): Promise<WireResult> {
    const { begin } = transaction;
    transaction.begin = undefined;
    if (begin !== undefined) await this.#runParts([{ text: begin }, { text: '' }], 1, undefined);
    return this.session.run(withLimitOf(transaction, script));
  }

  /** @param place of the statement that the caller asked for; behind it nothing of theirs can fail */
  async #runParts(
    parts: readonly SessionStatement[],
    place: number,
    limit: number | undefined,
  ): Promise<readonly WireResult[]> {
    let failure: ExchangeFailure | undefined;
    try {
      return await this.session.runAll(parts, { limit, onFailure: (met) => (failure = met) });
    } catch (error) {
      // Without its BEGIN the next statement would stand outside of the transaction and stay.
      if (place > 0 && failure?.position === 0) this.session.destroy(error as Error);
      throw error;
    }
  }

  // A transaction that seems to have read only: a function may have written. The answer comes before COMMIT is
  // begun, and only matters where that of COMMIT does not come.
  #askLate(transaction: OpenTransaction | undefined): void {
    if (transaction === undefined || this.session.transaction !== 'open') return;
    this.session.run(askForXid).then(
      (result) => (transaction.xid = xidOf(result)),
      () => {},
    );
  }

  async #signal(request: BackendSignal): Promise<void> {
    const { session } = this;
    const statement = session.running;
    if (statement === undefined) return;
    session.cancelled = true;
    // Kysely prints a failure to the console; whoever asked has been told of the abort and is gone.
    const isStillMeant = () => session.running === statement;
    this.#signalling = signalBackend(this.#pool, request, session.processId, isStillMeant).catch(
      (error: unknown) => {
        if (request === 'pg_terminate_backend') session.destroy(error as Error);
      },
    );
    await this.#signalling;
  }

  async #end<Result>(work: (transaction: OpenTransaction | undefined) => Promise<Result>): Promise<Result> {
    while (this.#running !== undefined) await this.#running;
    const transaction = this.#transaction;
    this.#transaction = undefined;
    return work(transaction);
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#requireOpen();
    while (this.#running !== undefined) await this.#running;
    this.#requireOpen();
    const turn = Promise.withResolvers<void>();
    this.#running = turn.promise;
    try {
      return await work();
    } finally {
      this.#running = undefined;
      turn.resolve();
    }
  }

  #requireOpen(): void {
    if (this.#released) throw transactionClosed();
  }
}

function abortedError(cause: Error | undefined): TransactionAbortedError {
  return markRolledBack(
    new TransactionAbortedError(
      'COMMIT was asked for, but a statement of the transaction had failed, so the server rolled it back.',
      cause === undefined ? {} : { cause },
    ),
  );
}
