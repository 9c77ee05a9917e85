import type { CompiledQuery, ConnectionProvider, DatabaseConnection, QueryResult } from 'kysely';
import { TransactionClosedError } from '../foundation/errors/transaction-errors.ts';

type Options = { readonly signal?: AbortSignal | undefined };

const ignore = () => {};

/**
 * The one connection of a transaction. Its statements run one after the other, in the order in which they
 * come; the first one that finds nobody before it runs at once. After the end nothing runs any more.
 *
 * A stream takes a turn for each of its chunks: else a statement in the loop over it would wait for the end of
 * that loop.
 */
export class TransactionConnection implements ConnectionProvider {
  readonly #connection: DatabaseConnection;
  #last: Promise<unknown> | undefined;
  #isOpen = true;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  /** Runs one statement. @throws TransactionClosedError after the end */
  execute<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>> {
    return this.#inTurn(() => this.#connection.executeQuery<Row>(query));
  }

  provideConnection<Result>(consumer: (connection: DatabaseConnection) => Promise<Result>): Promise<Result> {
    return this.#isOpen ? consumer(this.#lend()) : Promise.reject(closedError());
  }

  /** Refuses whatever comes from now on. */
  close(): void {
    this.#isOpen = false;
  }

  /** For one caller: what its signal ends while it waits is not sent, and cancels nothing of anybody else. */
  #lend(): DatabaseConnection {
    const connection = this.#connection;
    let isRunning = false;
    const inTurn = <Result>(work: () => Promise<Result>) =>
      this.#inTurn(async () => {
        isRunning = true;
        try {
          return await work();
        } finally {
          isRunning = false;
        }
      });
    return {
      executeQuery: <Row>(query: CompiledQuery, options?: Options) =>
        inTurn<QueryResult<Row>>(async () =>
          isAborted(options) ? { rows: [] } : connection.executeQuery<Row>(query, options),
        ),
      streamQuery: <Row>(query: CompiledQuery, chunkSize: number, options?: Options) =>
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
    inTurn: <Result>(work: () => Promise<Result>) => Promise<Result>,
    options: Options | undefined,
  ): AsyncIterableIterator<QueryResult<Row>> {
    try {
      for (;;) {
        const next = await inTurn(async () => (isAborted(options) ? undefined : chunks.next()));
        if (next === undefined || next.done === true) return;
        yield next.value;
      }
    } finally {
      if (this.#isOpen) await inTurn(async () => chunks.return?.());
      else await chunks.return?.();
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (!this.#isOpen) return Promise.reject(closedError());
    const turn = this.#last === undefined ? work() : this.#queue(this.#last, work);
    this.#last = turn;
    const leave = () => {
      if (this.#last === turn) this.#last = undefined;
    };
    turn.then(leave, leave);
    return turn;
  }

  async #queue<Result>(before: Promise<unknown>, work: () => Promise<Result>): Promise<Result> {
    await before.catch(ignore);
    if (!this.#isOpen) throw closedError();
    return work();
  }
}

function isAborted(options: Options | undefined): boolean {
  return options?.signal?.aborted === true;
}

function closedError(): TransactionClosedError {
  return new TransactionClosedError(
    'A query came after its transaction had ended. Await every query inside of the work function, and do not keep its handle.',
  );
}
