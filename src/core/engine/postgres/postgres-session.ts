import type { Client, QueryConfig, QueryResult } from 'pg';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import type { LiminalDataError } from '../../foundation/errors/liminal-data-error.ts';
import { TransactionAbortedError } from '../../foundation/errors/transaction-errors.ts';
import type { Clock } from '../../foundation/clock.ts';
import { requireSafeIntegers, type PostgresCodecs } from './postgres-codecs.ts';
import { copyWithoutValues } from './postgres-error-fields.ts';
import { translatePostgresError } from './postgres-errors.ts';

/** What a session needs to know. */
export interface PostgresSessionOptions {
  /** The server's own limit for a statement, in ms; 0 is none. */
  readonly statementTimeout: number;
  /** The parsers of its pool. */
  readonly codecs: PostgresCodecs;
  readonly clock: Clock;
}

/** One statement for `run`. */
export interface SessionStatement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** The longest wait for the answer in ms; 0 for no limit. By default a little above `statementTimeout`. */
  readonly limit?: number;
}

/** What a statement gave. */
export type SessionResult = QueryResult<Record<string, unknown>>;

/** How long the server's own cancellation may take to arrive before the network counts as dead, in ms. */
const answerGrace = 1_000;

/**
 * One pg client, from its birth to its end. It hears every error of the client, so that none ends the
 * process; it knows whether the connection is lost, so that no message has to be read for it; and it gives
 * up on an answer that does not come. It does not queue: one statement at a time is the caller's business.
 */
export class PostgresSession {
  readonly client: Client;
  /** Resolves when the socket is closed. Never rejects. */
  readonly ended: Promise<void>;
  /** The server's number for this session; 0 until it is set up. */
  processId = 0;
  /** Whether the statement under way was cancelled on our side. */
  cancelled = false;
  readonly #options: PostgresSessionOptions;
  #lost: Error | undefined;
  #running: number | undefined;
  #statements = 0;
  // An error arrives before the server's word on the transaction does, which is then one statement old.
  #failure: LiminalDataError | undefined;

  constructor(client: Client, options: PostgresSessionOptions) {
    this.client = client;
    this.#options = options;
    client.on('error', (error) => {
      this.#lost ??= copyWithoutValues(error);
    });
    this.ended = new Promise((resolve) => {
      client.once('end', () => {
        this.#lost ??= new Error('the connection was closed');
        resolve();
      });
    });
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** The number of the statement under way; undefined where there is none. */
  get running(): number | undefined {
    return this.#running;
  }

  /** The transaction that the server has open here, as of its last answer. */
  get transaction(): 'none' | 'open' | 'failed' {
    if (this.isLost) return 'none';
    const status = this.client.getTransactionStatus();
    if (status === 'I') return 'none';
    return status === 'T' && this.#failure === undefined ? 'open' : 'failed';
  }

  /** Whether the next caller may have it: not lost, idle, and outside of any transaction. */
  get isClean(): boolean {
    return !this.isLost && this.#running === undefined && this.transaction === 'none';
  }

  /** Runs one statement. @throws the translated error; UnsafeIntegerError where the result holds one */
  async run(statement: SessionStatement): Promise<SessionResult> {
    const { codecs } = this.#options;
    const before = codecs.unsafeIntegers;
    const result = await this.#send(statement);
    if (codecs.unsafeIntegers !== before) requireSafeIntegers(result.fields, result.rows);
    return result;
  }

  /** Cuts the connection at once, without a word to the server. */
  destroy(reason: Error): void {
    this.#lost ??= reason;
    this.client.connection.stream.destroy();
  }

  async #send({ text, values, limit }: SessionStatement): Promise<SessionResult> {
    if (this.#lost !== undefined) throw this.#lostError();
    const { clock, statementTimeout } = this.#options;
    const start = clock.monotonic();
    const stopWaiting = this.#giveUpAfter(
      limit ?? (statementTimeout === 0 ? 0 : statementTimeout + answerGrace),
    );
    this.cancelled = false;
    this.#statements += 1;
    this.#running = this.#statements;
    try {
      const result = await this.client.query(values === undefined ? text : extendedQuery(text, values));
      this.#failure = undefined;
      return result;
    } catch (error) {
      const translated = this.#translate(error, clock.monotonic() - start);
      if (translated instanceof TransactionAbortedError && this.#failure !== undefined) {
        throw abortedBy(this.#failure);
      }
      this.#failure = translated;
      throw translated;
    } finally {
      this.#running = undefined;
      stopWaiting();
    }
  }

  #giveUpAfter(limit: number): () => void {
    if (limit === 0) return () => {};
    return this.#options.clock.schedule(limit, () => {
      this.destroy(
        new ConnectionError(`The server gave no answer within ${limit} ms; the connection was cut.`),
      );
    });
  }

  #translate(error: unknown, elapsed: number): LiminalDataError {
    if (this.#lost !== undefined) return this.#lostError();
    const { statementTimeout } = this.#options;
    // One code stands for both: the server cannot have reached its limit before our clock has.
    const timedOut = !this.cancelled && statementTimeout > 0 && elapsed >= statementTimeout - 1;
    const translated = translatePostgresError(error, { timedOut });
    // The server has ended the session; the socket follows in a moment.
    if (translated instanceof ConnectionError) this.#lost = translated;
    return translated;
  }

  #lostError(): ConnectionError {
    const reason = this.#lost instanceof ConnectionError ? ` ${this.#lost.message}` : '';
    return new ConnectionError(
      `The connection to Postgres was lost.${reason} What was not committed is rolled back; a COMMIT or a single write whose answer is missing may have been applied.`,
      { cause: this.#lost },
    );
  }
}

// Whoever swallows the first error, as Kysely's Migrator does, must not hide the reason with it.
function abortedBy(failure: LiminalDataError): TransactionAbortedError {
  return new TransactionAbortedError(
    `A statement of this transaction failed before, so nothing more of it can run: ${failure.message}`,
    { cause: failure },
  );
}

/**
 * In the extended protocol a text is one statement: a second one behind a semicolon is refused, as SQLite
 * refuses it too.
 */
function extendedQuery(text: string, values: readonly unknown[]): QueryConfig<unknown[]> {
  const query = { text, values: values as unknown[], queryMode: 'extended' };
  return query;
}
