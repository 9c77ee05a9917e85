import type { CompiledQuery, QueryResult } from 'kysely';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import { timeWait } from '../../foundation/statement-timing.ts';
import type { Lease, LeaseSettings } from '../lease.ts';
import type { StatementOptions } from '../statement-options.ts';
import { markRolledBack } from '../transaction-aborted.ts';
import { translateSqliteError, translateUnlessReason } from './sqlite-errors.ts';
import type { SqliteExecutor } from './sqlite-executor.ts';
import type { LaneConnection } from './sqlite-lane.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { lostError } from './sqlite-lost-error.ts';
import { asksForLastWrite, kindOf } from './statement-kind.ts';
import type { WorkerLease } from './worker/worker-lease.ts';

/**
 * What Kysely calls a connection. It takes none before it needs one: a statement outside of a transaction runs
 * wherever there is room. From BEGIN on, or a statement that leaves something on its connection, it keeps one
 * until it is given back; and who has written stays with the writer.
 */
export class SqliteLease implements Lease {
  readonly #lanes: SqliteLanes;
  readonly #executor: SqliteExecutor;
  #connection: LaneConnection | undefined;
  /** The thread that runs a read-only transaction, in place of a connection. */
  #worker: WorkerLease | undefined;
  /** Whether what it keeps is a reader that is lent for this transaction alone. */
  #isReader = false;
  /** What its write returned that went without a connection of its own. */
  #lastWrite: QueryResult<unknown> | undefined;
  #isReadOnly = false;
  #begun = false;
  /** Of who asked for it: what others wait for at once, its first transaction waits for. */
  #signal: AbortSignal | undefined;

  /** @param signal ends the wait for a connection; who gave up must not keep a place in the line */
  constructor(lanes: SqliteLanes, executor: SqliteExecutor, signal?: AbortSignal) {
    this.#lanes = lanes;
    this.#executor = executor;
    this.#signal = signal;
  }

  /**
   * Write transactions begin IMMEDIATE: one that takes the write lock later fails at once when another
   * process has written since its first read. Every isolation level runs as `serializable`, which is what
   * SQLite has.
   */
  async begin({ accessMode, timing }: LeaseSettings): Promise<void> {
    const isReadOnly = accessMode === 'read only';
    const signal = this.#signal;
    this.#signal = undefined;
    try {
      if (isReadOnly && this.#connection === undefined && this.#lanes.workers !== undefined) {
        const { workers } = this.#lanes;
        this.#worker = await timeWait(timing, () => workers.lend(signal));
        await this.#worker.begin();
        return;
      }
      const connection = await this.#keepFor(isReadOnly, { signal, timing });
      this.#isReadOnly = isReadOnly;
      // A transaction that is only declared read-only would write without a word.
      if (isReadOnly && !this.#isReader) await this.#command(connection, 'pragma query_only = on');
      await this.#command(connection, isReadOnly ? 'begin' : 'begin immediate', signal);
      this.#begun = true;
    } catch (error) {
      throw translateUnlessReason(error, signal);
    }
  }

  /** @throws TransactionAbortedError where SQLite has rolled back before */
  async commit(): Promise<void> {
    if (this.#worker !== undefined) return this.#endInWorker();
    const connection = this.#connection;
    if (connection === undefined || this.#isLost(connection)) {
      await this.rollback().catch(() => {});
      throw markRolledBack(lostError());
    }
    try {
      await this.#command(connection, 'commit');
      this.#endTransaction(connection);
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  /** Where it fails the connection is closed. */
  async rollback(): Promise<void> {
    if (this.#worker !== undefined) return this.#endInWorker();
    const connection = this.#connection;
    if (connection === undefined) return;
    const failure = connection.database.rollBack();
    this.#endTransaction(connection);
    if (failure !== undefined) throw translateSqliteError(failure);
  }

  async executeQuery<Row>(query: CompiledQuery, options?: StatementOptions): Promise<QueryResult<Row>> {
    try {
      const connection = this.#connection;
      return connection === undefined
        ? await this.#execute<Row>(query, options)
        : await this.#runHere<Row>(connection, query, options?.signal);
    } catch (error) {
      // It has to settle: only then does Kysely give the connection back. It has told the caller of the abort
      // already, and prints whatever fails after it to the console.
      if (options?.signal?.aborted === true) return { rows: [] };
      throw translateSqliteError(error);
    }
  }

  /**
   * Outside of a transaction a stream holds a reader until its end. On the writer it is read whole before the
   * first chunk is given out: SQLite refuses writes beside an open statement of the same connection.
   */
  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: StatementOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const isApart =
      this.#worker === undefined &&
      this.#connection === undefined &&
      this.#lastWrite === undefined &&
      this.#lanes.hasReaders;
    try {
      if (isApart && kindOf(query.sql) === 'read') {
        const stream = await this.#executor.stream<Row>(query, chunkSize, options);
        if (stream !== undefined) {
          yield* stream;
          return;
        }
      }
      const { rows } = await this.#execute<Row>(query, options);
      for (let start = 0; start < rows.length; start += chunkSize) {
        await this.#lanes.steps.giveWay();
        yield { rows: rows.slice(start, start + chunkSize) };
      }
    } catch (error) {
      if (options?.signal?.aborted === true) return;
      throw translateSqliteError(error);
    }
  }

  /** Gives back what it keeps, clean: a transaction that was left open is rolled back. */
  async release(): Promise<void> {
    this.#worker?.release();
    this.#worker = undefined;
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      // Only where there is something to end: Kysely does not wait for a release after a stream. What SQL has begun by
      // itself is rolled back where the connection goes. Where it fails the connection is closed, and the next borrower
      // has another one.
      if (this.#begun || this.#isReadOnly) await this.rollback().catch(() => {});
    } finally {
      this.#letGo();
    }
  }

  async #execute<Row>(query: CompiledQuery, options: StatementOptions = {}): Promise<QueryResult<Row>> {
    const { signal } = options;
    if (this.#worker !== undefined) return this.#worker.run<Row>(query.sql, query.parameters);
    if (this.#connection !== undefined) return this.#runHere<Row>(this.#connection, query, signal);
    if (this.#lastWrite !== undefined) return this.#runBehindWrite<Row>(this.#lastWrite, query, options);
    const result = this.#executor.tryRead<Row>(query);
    if (result !== undefined) return result;
    const kind = kindOf(query.sql);
    if (kind === 'other') return this.#runHere<Row>(await this.#keepWriter(options), query, signal);
    const answer = await this.#executor.run<Row>(query, kind, options);
    if (kind === 'write' || answer.numAffectedRows !== undefined) this.#lastWrite = answer;
    return answer;
  }

  /** Who has written may ask for what the connection remembers; but others may have written meanwhile. */
  async #runBehindWrite<Row>(
    write: QueryResult<unknown>,
    query: CompiledQuery,
    options: StatementOptions,
  ): Promise<QueryResult<Row>> {
    const connection = await this.#keepWriter(options);
    if (asksForLastWrite(query.sql) && connection.database.lastWrite !== write) throw forgottenError();
    return this.#runHere<Row>(connection, query, options.signal);
  }

  #runHere<Row>(
    connection: LaneConnection,
    query: CompiledQuery,
    signal: AbortSignal | undefined,
  ): Promise<QueryResult<Row>> {
    return this.#executor.runOn<Row>(connection, query, () => {
      signal?.throwIfAborted();
      if (this.#isLost(connection)) throw lostError();
    });
  }

  async #keepFor(isReadOnly: boolean, options: StatementOptions): Promise<LaneConnection> {
    if (this.#connection !== undefined) return this.#connection;
    // Both are awaited here: behind a promise that is handed on, the stack of a leak would not show its caller.
    if (isReadOnly && this.#lanes.hasReaders) {
      this.#connection = await this.#lanes.lendReader(options);
      this.#isReader = true;
    } else {
      this.#connection = await this.#executor.takeWriter(options);
    }
    return this.#connection;
  }

  async #keepWriter(options: StatementOptions): Promise<LaneConnection> {
    this.#connection = await this.#executor.takeWriter(options);
    return this.#connection;
  }

  #endTransaction(connection: LaneConnection): void {
    this.#begun = false;
    if (this.#isReader) this.#letGo();
    // Whatever happened to the file: a writer that stays read-only would be of no use to anybody.
    else if (this.#isReadOnly) connection.database.commandOrClose('pragma query_only = off');
    this.#isReadOnly = false;
  }

  /** Nothing was written, so there is no difference between the ways to end it. */
  async #endInWorker(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    try {
      await worker?.end();
    } finally {
      worker?.release();
    }
  }

  #letGo(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    if (this.#isReader) this.#lanes.giveBackReader(connection);
    else this.#lanes.giveBackWriter(connection);
    this.#isReader = false;
  }

  #command(connection: LaneConnection, sql: string, signal?: AbortSignal): Promise<void> {
    const command = () => connection.database.command(sql);
    const { steps } = this.#lanes;
    return this.#isReader ? steps.run(command, signal) : steps.runCommitting(command, signal);
  }

  /** Whether the transaction is gone without having been ended. */
  #isLost({ database }: LaneConnection): boolean {
    return this.#begun && database.isOpen && !database.inTransaction;
  }
}

function forgottenError(): QueryError {
  return new QueryError(
    'Others have written since, so SQLite no longer knows of this write. Take insertId and numAffectedRows of its result, or RETURNING, or run both statements in one transaction.',
    undefined,
  );
}
