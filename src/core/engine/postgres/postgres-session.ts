import type { Client, CustomTypesConfig } from 'pg';
import type { Clock } from '../../foundation/clock.ts';
import { ConnectionError } from '../../foundation/errors/connection-errors.ts';
import { TransactionAbortedError } from '../../foundation/errors/transaction-errors.ts';
import type { Holding } from '../../pool/lease-ledger.ts';
import { transactionAborted } from '../transaction-aborted.ts';
import { answerGrace, giveUpAfter } from './answer-limit.ts';
import { requireSafeIntegers } from './postgres-codecs.ts';
import { copyWithoutValues } from './postgres-error-fields.ts';
import type { ErrorContext } from './postgres-errors.ts';
import {
  Exchange,
  type ExchangeOptions,
  type WireResult,
  type WireStatement,
  type WireValue,
} from './postgres-exchange.ts';
import { PostgresWire } from './postgres-wire.ts';
import { PreparedStatements } from './prepared-statements.ts';
import { staleStatementError } from './stale-statements.ts';
import type { StatementCatalog } from './statement-catalog.ts';

/** How values come back. */
export interface ResultCodecs {
  /** The parsers. */
  readonly types: CustomTypesConfig;
  /** How many unsafe integers were read so far; where it has not moved, a result needs no second look. */
  readonly unsafeIntegers: number;
}

/** What a session needs to know. */
export interface PostgresSessionOptions {
  /** The server's own limit for a statement, in ms; 0 is none. */
  readonly statementTimeout: number;
  readonly codecs: ResultCodecs;
  /** Turns a parameter into what goes over the wire; pg's own. */
  readonly prepareValue: (value: unknown) => WireValue;
  /** Turns an error of the server into the one to throw. */
  readonly translate: (error: unknown, context?: ErrorContext) => Error;
  readonly catalog: StatementCatalog;
  readonly clock: Clock;
  /** When it is too old to be lent again, on the monotonic clock, in ms. */
  readonly expiresAt: number;
}

/** One statement to run. */
export interface SessionStatement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Whether it may get a name on the server, and be prepared by it. */
  readonly prepare?: boolean;
  /** The longest wait for the answer in ms; 0 for no limit. By default a little above `statementTimeout`. */
  readonly limit?: number;
}

/** A rollback needs no time; where its answer does not come within this, in ms, the server is out of reach. */
const rollbackLimit = 5_000;

/**
 * One pg client, from its birth to its end. It hears every error of the client, so that none ends the process;
 * it knows whether the connection is lost, so that no message has to be read for it; and it gives up on an
 * answer that does not come. Several statements may be under way at once: each is answered for itself.
 */
export class PostgresSession {
  readonly client: Client;
  /** Resolves when the socket is closed. Never rejects. */
  readonly ended: Promise<void>;
  /** When it is too old to be lent again, on the monotonic clock, in ms. */
  readonly expiresAt: number;
  /** Since when nobody has it, on the monotonic clock, in ms; for whoever keeps the idle ones. */
  idleSince = 0;
  /** Who has it at the moment, for the ledger of the pool; undefined where it is idle or shared. */
  holding: Holding | undefined;
  /** Which life of the server it was opened in; see postgres-session-setup.ts. */
  incarnation: string | undefined;
  /** What the server says of its version, such as 160004; undefined where it was not asked. */
  serverVersion: number | undefined;
  /** Whether the statement under way was cancelled on our side. */
  cancelled = false;
  /** Whether something was run that may outlive its transaction: settings, locks, temporary tables. */
  isTouched = false;
  readonly #options: PostgresSessionOptions;
  readonly #prepared: PreparedStatements;
  #wire: PostgresWire | undefined;
  #lost: Error | undefined;
  #statements = 0;
  #failure: Error | undefined;

  constructor(client: Client, options: PostgresSessionOptions) {
    this.client = client;
    this.expiresAt = options.expiresAt;
    this.#options = options;
    this.#prepared = new PreparedStatements(options.catalog);
    client.on('error', (error) => this.#lose(copyWithoutValues(error)));
    this.ended = new Promise((resolve) => {
      client.once('end', () => {
        this.#lose(new Error('the connection was closed'));
        resolve();
      });
    });
  }

  /** Connects. @throws what pg throws */
  async connect(): Promise<void> {
    const { client } = this;
    await client.connect();
    this.#wire = new PostgresWire(client.connection, this.#options.codecs.types, (error) => {
      this.#lost ??= copyWithoutValues(error);
    });
  }

  /** The server's number for this session; 0 until it is connected. */
  get processId(): number {
    return (this.client as Client & { processID?: number | null }).processID ?? 0;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  /** Why the connection is lost; undefined where it is not. */
  get loss(): Error | undefined {
    return this.#lost;
  }

  /** What the last exchange failed with; undefined where it succeeded. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** How many statements it keeps prepared on the server. */
  get preparedStatements(): number {
    return this.#prepared.size;
  }

  /** How many exchanges with the server are under way. */
  get inFlight(): number {
    return this.#wire?.inFlight ?? 0;
  }

  /** The number of the last statement that is under way; undefined where there is none. */
  get running(): number | undefined {
    return this.inFlight > 0 ? this.#statements : undefined;
  }

  /** The transaction that the server has open here, as of its last answer. */
  get transaction(): 'none' | 'open' | 'failed' {
    if (this.isLost || this.#wire === undefined || this.#wire.status === 'I') return 'none';
    return this.#wire.status === 'T' ? 'open' : 'failed';
  }

  /** Whether the next caller may have it: not lost, idle, and outside of any transaction. */
  get isClean(): boolean {
    return !this.isLost && this.inFlight === 0 && this.transaction === 'none';
  }

  /**
   * Runs one statement, or without `values` a text of several.
   *
   * @returns what the last one gave
   * @throws the translated error; UnsafeIntegerError where the result holds one
   */
  async run({ text, values, prepare = false, limit }: SessionStatement): Promise<WireResult> {
    const work = values === undefined ? text : [this.#toWire(text, values, prepare)];
    const results = await this.#exchange(work, { limit });
    // Like Kysely's own dialect it says nothing of a text that holds several statements.
    const result = (results.length === 1 ? results[0] : undefined) ?? emptyResult;
    this.requireReadable(result);
    return result;
  }

  /**
   * Runs statements in one go, up to the first that fails: then none behind it has run. The results were not
   * looked at: `requireReadable` does that.
   *
   * @param statements in their order; a `limit` of theirs is not looked at
   * @returns what each one gave
   * @throws the translated error of the statement that failed
   */
  runAll(
    statements: readonly SessionStatement[],
    options: ExchangeOptions = {},
  ): Promise<readonly WireResult[]> {
    const work = statements.map(({ text, values = [], prepare = false }) =>
      this.#toWire(text, values, prepare),
    );
    return this.#exchange(work, options);
  }

  /** @throws what a parser threw; UnsafeIntegerError where the result holds one */
  requireReadable({ shape, rows, unreadable }: WireResult): void {
    if (unreadable !== undefined) throw unreadable as Error;
    if (this.#options.codecs.unsafeIntegers > 0 && shape !== undefined)
      requireSafeIntegers(shape.fields, rows);
  }

  /**
   * Never rejects: where it fails the connection is cut, so that the server rolls back by itself.
   *
   * @returns what it met; undefined where all is well
   */
  async rollBack(): Promise<Error | undefined> {
    const { statementTimeout } = this.#options;
    const limit =
      statementTimeout === 0 ? rollbackLimit : Math.min(rollbackLimit, statementTimeout + answerGrace);
    try {
      await this.run({ text: 'rollback', limit });
      return undefined;
    } catch (error) {
      this.destroy(error as Error);
      return error as Error;
    }
  }

  /** Cuts the connection at once, without a word to the server. */
  destroy(reason: Error): void {
    this.#lose(reason);
    this.client.connection.stream.destroy();
  }

  /** Says goodbye to the server and closes. `ended` says when that is done. */
  sayGoodbye(): void {
    this.#lost ??= new Error('the connection was closed');
    this.client.end().catch(() => {});
  }

  #toWire(text: string, values: readonly unknown[], prepare: boolean): WireStatement {
    const { prepareValue } = this.#options;
    const wireValues = values.map((value) => prepareValue(value));
    return { text, values: wireValues, prepared: prepare ? this.#prepared.use(text) : undefined };
  }

  #exchange(
    work: readonly WireStatement[] | string,
    { limit, flushAfter, onFailure }: ExchangeOptions,
  ): Promise<readonly WireResult[]> {
    const wire = this.#wire;
    if (this.#lost !== undefined || wire === undefined) return Promise.reject(this.#lostError());
    const { clock, statementTimeout } = this.#options;
    const start = clock.monotonic();
    const longest = limit ?? (statementTimeout === 0 ? 0 : statementTimeout + answerGrace);
    const stopWaiting = giveUpAfter(longest, clock, (error) => this.destroy(error));
    this.cancelled = false;
    this.#statements += 1;
    return new Promise((resolve, reject) => {
      const settle = (exchange: Exchange): void => {
        stopWaiting();
        if (exchange.error === undefined) {
          this.#failure = undefined;
          this.#noteNames(exchange);
          resolve(exchange.results);
        } else {
          onFailure?.({ position: exchange.position, results: exchange.results });
          reject(this.#failureOf(exchange, clock.monotonic() - start));
        }
      };
      wire.send(new Exchange(work, settle, flushAfter), this.#prepared.takeNamesToClose());
    });
  }

  #noteNames({ statements }: Exchange): void {
    for (const { prepared } of statements) if (prepared !== undefined) this.#options.catalog.noteSuccess();
  }

  #failureOf({ error, statements, position }: Exchange, elapsed: number): Error {
    const translated =
      staleStatementError(error, statements[position]?.prepared, this.#options.catalog) ??
      this.#translate(error, elapsed);
    if (translated instanceof TransactionAbortedError && this.#failure !== undefined) {
      return transactionAborted(this.#failure);
    }
    this.#failure = translated;
    return translated;
  }

  #translate(error: unknown, elapsed: number): Error {
    const { statementTimeout, translate } = this.#options;
    if (this.#lost !== undefined && error === this.#lost) return this.#lostError();
    // The server has said that it is ready for the next, or has closed the connection behind the error.
    const goesOn = this.#lost === undefined;
    // One code stands for both: the server cannot have reached its limit before our clock has.
    const timedOut = !this.cancelled && statementTimeout > 0 && elapsed >= statementTimeout - 1;
    return translate(error, { timedOut, goesOn });
  }

  #lose(reason: Error): void {
    this.#lost ??= reason;
    this.#wire?.fail(this.#lost);
  }

  #lostError(): ConnectionError {
    const reason = this.#lost instanceof ConnectionError ? ` ${this.#lost.message}` : '';
    return new ConnectionError(
      `The connection to Postgres was lost.${reason} What was not committed is rolled back; a COMMIT or a single write whose answer is missing may have been applied.`,
      { cause: this.#lost },
    );
  }
}

const emptyResult: WireResult = {
  command: '',
  rowCount: undefined,
  rows: [],
  shape: undefined,
  unreadable: undefined,
};
