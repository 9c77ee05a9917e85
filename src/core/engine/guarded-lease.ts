import type { CompiledQuery, ControlConnectionProvider, QueryResult, TransactionSettings } from 'kysely';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Lease } from './lease.ts';
import { isRunning, loopTurn } from './loop-turn.ts';
import { markRolledBack, transactionAborted } from './transaction-aborted.ts';
import { transactionClosed } from './transaction-closed.ts';
import type { StatementOptions } from './statement-options.ts';
import type { TransactionStanding } from './transaction-standing.ts';

/**
 * Keeps every statement of a transaction in front of its COMMIT or ROLLBACK. Kysely marks a transaction as
 * ended a few microtasks after the lease has ended it; a statement that slips in between (a branch of a
 * `Promise.all` whose other branch failed) would run outside of any transaction and stay. So COMMIT and
 * ROLLBACK wait for what runs, what comes meanwhile is refused, and what comes just behind them waits until
 * the microtasks are through: then a transaction's connection has been given back, and the statement is
 * refused. Only a connection that its holder keeps (`db.connection()`) goes on.
 *
 * With a standing it also lets a transaction do nothing more once a statement of it has failed, and rolls it back
 * where it is to be committed.
 */
export class GuardedLease implements Lease {
  readonly #lease: Lease;
  readonly #standing: TransactionStanding | undefined;
  #running = 0;
  /** Called when nothing runs any more. */
  #onIdle: (() => void) | undefined;
  #isEnding = false;
  /** The turn of the event loop in which COMMIT or ROLLBACK was through: as it runs, so do the microtasks behind them. */
  #endedIn: Promise<void> | undefined;
  #transactions = 0;
  #released = false;

  // Kysely looks at whether these exist, so they exist only where the lease has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  /**
   * @param lease what it guards
   * @param standing undefined where the engine alone decides what a failed statement does to its transaction
   */
  constructor(lease: Lease, standing?: TransactionStanding) {
    this.#lease = lease;
    this.#standing = standing;
    if (lease.cancelQuery) this.cancelQuery = lease.cancelQuery.bind(lease);
    if (lease.killSession) this.killSession = lease.killSession.bind(lease);
    if (lease.collectSessionInfo) this.collectSessionInfo = lease.collectSessionInfo.bind(lease);
  }

  /** Does not wait for the end before it: a connection that its holder keeps begins again at once. */
  async begin(settings: TransactionSettings): Promise<void> {
    if (this.#released) throw transactionClosed();
    this.#transactions += 1;
    await this.#lease.begin(settings);
    this.#standing?.begin();
  }

  /** @throws TransactionAbortedError where a statement had failed; it is rolled back then */
  commit(): Promise<void> {
    return this.#end(() => this.#commitOrRollBack());
  }

  rollback(): Promise<void> {
    return this.#end(async () => {
      this.#standing?.end();
      await this.#lease.rollback();
    });
  }

  executeQuery<Row>(query: CompiledQuery, options?: StatementOptions): Promise<QueryResult<Row>> {
    return this.#run(query, () => this.#lease.executeQuery<Row>(query, options));
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: StatementOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    if (!Number.isSafeInteger(chunkSize) || chunkSize < 1) {
      throw new ValidationError('The chunk size of a stream must be an integer from 1.');
    }
    const stream = this.#lease.streamQuery<Row>(query, chunkSize, options);
    try {
      for (;;) {
        const next = await this.#run(query, () => stream.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await stream.return?.();
    }
  }

  release(): Promise<void> {
    if (this.#released) return Promise.resolve();
    this.#released = true;
    return this.#lease.release();
  }

  get #isSettling(): boolean {
    return this.#endedIn !== undefined && isRunning(this.#endedIn);
  }

  async #run<Result>({ sql }: CompiledQuery, work: () => Promise<Result>): Promise<Result> {
    if (this.#isEnding || this.#isSettling || this.#released) await this.#requireOpen();
    this.#standing?.admit(sql);
    this.#running += 1;
    try {
      const result = await work();
      this.#standing?.succeed(sql);
      return result;
    } catch (error) {
      this.#standing?.fail(error);
      throw error;
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#onIdle?.();
    }
  }

  async #commitOrRollBack(): Promise<void> {
    const standing = this.#standing;
    const failure = standing?.failure;
    if (failure === undefined) {
      try {
        await this.#lease.commit();
      } catch (error) {
        // Where the transaction is still open, nothing more of it may run.
        standing?.fail(error);
        throw error;
      }
      standing?.end();
      return;
    }
    standing?.end();
    // Where that fails too the connection is given up, and the first failure is the one to be told.
    await this.#lease.rollback().catch(() => {});
    throw markRolledBack(transactionAborted(failure.error));
  }

  async #requireOpen(): Promise<void> {
    if (this.#isEnding) throw transactionClosed();
    const transaction = this.#transactions;
    while (this.#isSettling) await this.#endedIn;
    // Where the holder has begun anew meanwhile, what waited here belongs to the transaction before; and where a ROLLBACK
    // is under way behind a COMMIT that failed, to that one.
    if (this.#isEnding || this.#released || transaction !== this.#transactions) throw transactionClosed();
  }

  async #end(work: () => Promise<void>): Promise<void> {
    if (this.#released) throw transactionClosed();
    this.#isEnding = true;
    try {
      if (this.#running > 0) await this.#idle();
      await work();
    } finally {
      this.#isEnding = false;
      this.#endedIn = loopTurn();
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
