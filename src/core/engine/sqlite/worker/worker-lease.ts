import type { QueryResult } from 'kysely';
import type { Clock } from '../../../foundation/clock.ts';
import { ConnectionError } from '../../../foundation/errors/connection-errors.ts';
import { StatementTimeoutError } from '../../../foundation/errors/statement-errors.ts';
import { bindParameters } from '../sqlite-parameters.ts';
import type { SqliteWorker } from './sqlite-worker.ts';
import type { WorkerRequest } from './worker-protocol.ts';

type Rows = readonly Record<string, unknown>[];

/** What a lease needs of the pool that lent it. */
export interface WorkerLeaseOptions {
  readonly clock: Clock;
  /** In ms; 0 is no limit. */
  readonly statementTimeout: number;
  /** Gives the thread up, which a query does not leave, or which cannot be made clean. Harmless when repeated. */
  abandon(reason: ConnectionError): void;
  /** Gives the thread back. */
  giveBack(): void;
}

/** A worker thread, lent once. Statements run one after the other, each up to `statementTimeout`. */
export class WorkerLease {
  readonly #worker: SqliteWorker;
  readonly #options: WorkerLeaseOptions;
  #inTransaction = false;
  #streams = false;
  readonly #running = new Set<Promise<unknown>>();
  #released = false;

  constructor(worker: SqliteWorker, options: WorkerLeaseOptions) {
    this.#worker = worker;
    this.#options = options;
  }

  /**
   * Runs a statement where it only reads.
   *
   * @returns undefined where it would write, and nothing has happened
   * @throws StatementTimeoutError at the deadline; the thread is then lost, and a transaction with it
   */
  async read<Row>(sql: string, parameters: readonly unknown[]): Promise<QueryResult<Row> | undefined> {
    const rows = await this.#ask({ type: 'read', sql, parameters: bindParameters(parameters) });
    return rows === undefined ? undefined : { rows: rows as Row[] };
  }

  /** Runs a statement. @throws as `read`, and what SQLite throws where it would write */
  async run<Row>(sql: string, parameters: readonly unknown[]): Promise<QueryResult<Row>> {
    const rows = await this.#ask({ type: 'run', sql, parameters: bindParameters(parameters) });
    return { rows: (rows ?? []) as Row[] };
  }

  /** Begins a transaction: one snapshot for all reads until `end`. */
  async begin(): Promise<void> {
    await this.#ask({ type: 'command', sql: 'begin' });
    this.#inTransaction = true;
  }

  /** Ends the transaction. It has written nothing, so there is nothing to lose. */
  async end(): Promise<void> {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    if (!this.#worker.isLost) await this.#ask({ type: 'command', sql: 'commit' });
  }

  /** Opens a stream. @returns whether the statement only reads; else nothing is open */
  async openStream(sql: string, parameters: readonly unknown[]): Promise<boolean> {
    const rows = await this.#ask({ type: 'openStream', sql, parameters: bindParameters(parameters) });
    this.#streams = rows !== undefined;
    return this.#streams;
  }

  /** Reads the open stream in chunks; the thread reads the next one only when it is asked for. */
  async *chunks<Row>(chunkSize: number): AsyncGenerator<QueryResult<Row>, void> {
    try {
      for (;;) {
        const rows = await this.#ask({ type: 'nextChunk', size: chunkSize });
        if (rows !== undefined && rows.length > 0) yield { rows: rows as unknown as Row[] };
        if (rows === undefined || rows.length < chunkSize) {
          this.#streams = false;
          return;
        }
      }
    } finally {
      await this.#closeStream();
    }
  }

  /** Gives the thread back, clean, once what runs in it has ended. Harmless when it was given back already. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#running.size === 0 && !this.#streams && !this.#inTransaction) this.#options.giveBack();
    else void this.#cleanAndGiveBack();
  }

  async #cleanAndGiveBack(): Promise<void> {
    await Promise.allSettled(this.#running);
    try {
      await this.#closeStream();
      await this.end();
    } catch (cause) {
      this.#options.abandon(
        new ConnectionError('The worker thread was given up: it could not be made clean.', { cause }),
      );
    }
    this.#options.giveBack();
  }

  async #closeStream(): Promise<void> {
    if (!this.#streams) return;
    this.#streams = false;
    if (!this.#worker.isLost) await this.#ask({ type: 'closeStream' });
  }

  #ask(request: WorkerRequest): Promise<Rows | undefined> {
    const answer = this.#withinTimeout(this.#worker.send(request));
    this.#running.add(answer);
    const forget = () => this.#running.delete(answer);
    answer.then(forget, forget);
    return answer;
  }

  async #withinTimeout(answer: Promise<Rows | undefined>): Promise<Rows | undefined> {
    const { clock, statementTimeout } = this.#options;
    if (statementTimeout === 0) return answer;
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    const cancel = clock.schedule(statementTimeout, () => {
      reject(timeoutError(statementTimeout));
      this.#options.abandon(
        new ConnectionError(
          `The worker thread was given up: a query of it outlived statementTimeout (${statementTimeout} ms) and cannot be stopped.`,
        ),
      );
    });
    try {
      return await Promise.race([timedOut, answer]);
    } finally {
      cancel();
    }
  }
}

function timeoutError(limit: number): StatementTimeoutError {
  return new StatementTimeoutError(
    `A read ran in a worker thread for longer than statementTimeout (${limit} ms). SQLite cannot stop it; it goes on without anybody waiting for it.`,
  );
}
