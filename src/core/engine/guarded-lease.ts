import type { CompiledQuery, ControlConnectionProvider, QueryResult, TransactionSettings } from 'kysely';
import { TransactionClosedError } from '../foundation/errors/transaction-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Lease } from './lease.ts';

type Options = { readonly signal?: AbortSignal | undefined };

/**
 * Keeps every statement of a transaction in front of its COMMIT or ROLLBACK. Kysely marks a transaction as
 * ended a few microtasks after the lease has ended it; a statement that slips in between (a branch of a
 * `Promise.all` whose other branch failed) would run outside of any transaction and stay. So COMMIT and
 * ROLLBACK wait for what runs, what comes meanwhile is refused, and what comes just behind them waits until
 * the microtasks are through: then a transaction's connection has been given back, and the statement is
 * refused. Only a connection that its holder keeps (`db.connection()`) goes on.
 */
export class GuardedLease implements Lease {
  readonly #lease: Lease;
  #running = 0;
  /** Called when nothing runs any more. */
  #onIdle: (() => void) | undefined;
  #isEnding = false;
  /** Up from COMMIT or ROLLBACK until the microtasks behind it are through. */
  #settled: Promise<void> | undefined;
  #transactions = 0;
  #released = false;

  // Kysely looks at whether these exist, so they exist only where the lease has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  constructor(lease: Lease) {
    this.#lease = lease;
    if (lease.cancelQuery) this.cancelQuery = lease.cancelQuery.bind(lease);
    if (lease.killSession) this.killSession = lease.killSession.bind(lease);
    if (lease.collectSessionInfo) this.collectSessionInfo = lease.collectSessionInfo.bind(lease);
  }

  /** Does not wait for the end before it: a connection that its holder keeps begins again at once. */
  async begin(settings: TransactionSettings): Promise<void> {
    if (this.#released) throw closedError();
    this.#transactions += 1;
    await this.#lease.begin(settings);
  }

  commit(): Promise<void> {
    return this.#end(() => this.#lease.commit());
  }

  rollback(): Promise<void> {
    return this.#end(() => this.#lease.rollback());
  }

  executeQuery<Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> {
    return this.#run(() => this.#lease.executeQuery<Row>(query, options));
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: Options,
  ): AsyncIterableIterator<QueryResult<Row>> {
    if (!Number.isSafeInteger(chunkSize) || chunkSize < 1) {
      throw new ValidationError('The chunk size of a stream must be an integer from 1.');
    }
    const stream = this.#lease.streamQuery<Row>(query, chunkSize, options);
    try {
      for (;;) {
        const next = await this.#run(() => stream.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await stream.return?.();
    }
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#lease.release();
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#settled !== undefined || this.#released) await this.#requireOpen();
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #requireOpen(): Promise<void> {
    if (this.#isEnding) throw closedError();
    const transaction = this.#transactions;
    while (this.#settled !== undefined) await this.#settled;
    // Where the holder has begun anew meanwhile, what waited here belongs to the transaction before.
    if (this.#released || transaction !== this.#transactions) throw closedError();
  }

  async #end(work: () => Promise<void>): Promise<void> {
    if (this.#released) throw closedError();
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    this.#settled = settled;
    this.#isEnding = true;
    try {
      if (this.#running > 0) await this.#idle();
      await work();
    } finally {
      this.#isEnding = false;
      setImmediate(() => {
        // A ROLLBACK that follows a failed COMMIT has put up its own.
        if (this.#settled === settled) this.#settled = undefined;
        resolve();
      });
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = () => {
        this.#onIdle = undefined;
        resolve();
      };
    });
  }
}

function closedError(): TransactionClosedError {
  return new TransactionClosedError(
    'A query came after its transaction had ended. Await every query inside of the work function, and do not keep its handle.',
  );
}
