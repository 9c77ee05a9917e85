import type { CompiledQuery, ConnectionProvider, DatabaseConnection, QueryResult } from 'kysely';
import { transactionAborted } from '../engine/transaction-aborted.ts';
import { transactionClosed } from '../engine/transaction-closed.ts';
import { transactionControlOf } from '../engine/transaction-control.ts';
import type { StatementOptions } from '../engine/statement-options.ts';
import type { TransactionFailure } from '../engine/transaction-standing.ts';
import type { StatementTiming } from '../foundation/statement-timing.ts';
import type { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { OutsideTransactionError } from '../foundation/errors/transaction-errors.ts';
import { isInside, type RunningTransaction } from './transaction-context.ts';

type Turn = <Result>(
  work: () => Promise<Result>,
  query?: CompiledQuery,
  timing?: StatementTiming,
) => Promise<Result>;

const ignore = () => {};

/**
 * The one connection of a scope: of a transaction, or of a savepoint in it. Its statements run one after the
 * other, in the order in which they come; the first one that finds nobody before it runs at once.
 *
 * After the end nothing runs any more, and after a failed statement nothing but a rollback to a savepoint. A scope
 * inside of this one takes a turn as long as it lives: else a statement beside it would be undone with it.
 *
 * A stream takes a turn for each of its chunks: else a statement in the loop over it would wait for the end of
 * that loop.
 */
export class TransactionConnection implements ConnectionProvider {
  readonly #connection: DatabaseConnection;
  #last: Promise<unknown> | undefined;
  #closed: { readonly cause: unknown } | undefined;
  #failure: TransactionFailure | undefined;
  /** Whether no rollback to a savepoint undoes the failure. */
  #isDoomed = false;
  #inner: RunningTransaction | undefined;
  /** The caller whose statement is under way, for whoever cancels it. */
  #isRunning = false;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  /** The first statement that failed, where nothing has undone it. */
  get failure(): TransactionFailure | undefined {
    return this.#failure;
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /**
   * Runs one statement.
   *
   * @throws TransactionClosedError after the end, TransactionAbortedError after a failure, OutsideTransactionError
   *   from inside of a scope that stands in this one
   */
  execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    return this.#inTurn(() => this.#run(query, options), query, options?.timing);
  }

  provideConnection<Result>(consumer: (connection: DatabaseConnection) => Promise<Result>): Promise<Result> {
    // Behind a failure a rollback to a savepoint may come; each statement says whether it is one.
    const refusal = this.#closedRefusal() ?? this.#outerRefusal();
    return refusal === undefined ? consumer(this.#lend()) : Promise.reject(refusal);
  }

  /**
   * Gives a scope inside of this one a turn for its whole life.
   *
   * @param inner who may not wait for this one
   */
  hold<Result>(inner: RunningTransaction, life: () => Promise<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      this.#inner = inner;
      try {
        return await life();
      } finally {
        this.#inner = undefined;
      }
    });
  }

  /**
   * Notes a failure that is not that of a statement of its own, such as that of the end of a scope inside of it.
   * Only the end of the scope undoes it.
   */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#isDoomed = true;
  }

  /**
   * Refuses whatever comes from now on, and whatever waits.
   *
   * @param cause why, where it is not the end of the work
   */
  close(cause?: unknown): void {
    this.#closed ??= { cause };
  }

  /** Waits for what is under way. Never rejects. */
  async idle(): Promise<void> {
    while (this.#last !== undefined) await this.#last.catch(ignore);
  }

  /** Stops the statement that runs, where the engine can. */
  async cancel(control: Parameters<NonNullable<DatabaseConnection['cancelQuery']>>[0]): Promise<void> {
    if (this.#isRunning) await this.#connection.cancelQuery?.(control);
  }

  async #run<Row>(query: CompiledQuery, options: StatementOptions | undefined): Promise<QueryResult<Row>> {
    this.#isRunning = true;
    try {
      const result = await this.#connection.executeQuery<Row>(query, options);
      if (this.#failure !== undefined && this.#undoesFailure(query)) this.#failure = undefined;
      return result;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      this.#isRunning = false;
    }
  }

  /** For one caller: what its signal ends while it waits is not sent, and cancels nothing of anybody else. */
  #lend(): DatabaseConnection {
    const connection = this.#connection;
    let isRunning = false;
    const inTurn = <Result>(work: () => Promise<Result>, query?: CompiledQuery, timing?: StatementTiming) =>
      this.#inTurn(
        async () => {
          isRunning = true;
          try {
            return await work();
          } finally {
            isRunning = false;
          }
        },
        query,
        timing,
      );
    return {
      executeQuery: <Row>(query: CompiledQuery, options?: StatementOptions) =>
        inTurn<QueryResult<Row>>(
          async () => (isAborted(options) ? { rows: [] } : this.#run<Row>(query, options)),
          query,
          options?.timing,
        ),
      streamQuery: <Row>(query: CompiledQuery, chunkSize: number, options?: StatementOptions) =>
        this.#stream(connection.streamQuery<Row>(query, chunkSize, options), inTurn, options),
      // Kysely looks at whether these exist, so they exist only where the connection has them.
      ...(connection.cancelQuery && {
        cancelQuery: async (provider) => (isRunning ? connection.cancelQuery?.(provider) : undefined),
      }),
      ...(connection.killSession && {
        killSession: async (provider) => (isRunning ? connection.killSession?.(provider) : undefined),
      }),
      ...(connection.collectSessionInfo && {
        collectSessionInfo: () => this.#inTurn(async () => connection.collectSessionInfo?.()),
      }),
    };
  }

  async *#stream<Row>(
    chunks: AsyncIterableIterator<QueryResult<Row>>,
    inTurn: Turn,
    options: StatementOptions | undefined,
  ): AsyncIterableIterator<QueryResult<Row>> {
    try {
      for (;;) {
        const next = await inTurn(
          async () => (isAborted(options) ? undefined : this.#nextChunk(chunks)),
          undefined,
          options?.timing,
        );
        if (next === undefined || next.done === true) return;
        yield next.value;
      }
    } finally {
      if (this.#refusal(undefined, false) === undefined) await inTurn(async () => chunks.return?.());
      else await chunks.return?.();
    }
  }

  async #nextChunk<Row>(
    chunks: AsyncIterableIterator<QueryResult<Row>>,
  ): Promise<IteratorResult<QueryResult<Row>>> {
    this.#isRunning = true;
    try {
      return await chunks.next();
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    } finally {
      this.#isRunning = false;
    }
  }

  #inTurn<Result>(
    work: () => Promise<Result>,
    query?: CompiledQuery,
    timing?: StatementTiming,
  ): Promise<Result> {
    const refusal = this.#refusal(query, true);
    if (refusal !== undefined) return Promise.reject(refusal);
    const turn = this.#last === undefined ? work() : this.#queue(this.#last, work, query, timing);
    this.#last = turn;
    const leave = () => {
      if (this.#last === turn) this.#last = undefined;
    };
    turn.then(leave, leave);
    return turn;
  }

  async #queue<Result>(
    before: Promise<unknown>,
    work: () => Promise<Result>,
    query: CompiledQuery | undefined,
    timing: StatementTiming | undefined,
  ): Promise<Result> {
    timing?.startWait();
    await before.catch(ignore);
    timing?.endWait();
    const refusal = this.#refusal(query, false);
    if (refusal !== undefined) throw refusal;
    return work();
  }

  #refusal(query: CompiledQuery | undefined, isNew: boolean): LiminalDataError | undefined {
    const closed = this.#closedRefusal();
    if (closed !== undefined) return closed;
    if (this.#failure !== undefined && !this.#undoesFailure(query))
      return transactionAborted(this.#failure.error);
    return isNew ? this.#outerRefusal() : undefined;
  }

  #undoesFailure(query: CompiledQuery | undefined): boolean {
    return !this.#isDoomed && query !== undefined && transactionControlOf(query.sql) === 'undo';
  }

  #closedRefusal(): LiminalDataError | undefined {
    return this.#closed === undefined ? undefined : transactionClosed(this.#closed.cause);
  }

  /** For whoever would wait for a scope that waits for them. */
  #outerRefusal(): LiminalDataError | undefined {
    return this.#inner?.state === 'open' && isInside(this.#inner) ? outerHandleError() : undefined;
  }
}

function isAborted(options: StatementOptions | undefined): boolean {
  return options?.signal?.aborted === true;
}

function outerHandleError(): OutsideTransactionError {
  return new OutsideTransactionError(
    'Inside of a nested scope the handle of the scope around it was used: that statement would wait for the end of the scope which waits for it. Use the handle that the nested scope hands out.',
  );
}
