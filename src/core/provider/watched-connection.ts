import type { CompiledQuery, ControlConnectionProvider, DatabaseConnection, QueryResult } from 'kysely';
import type { StatementOptions } from '../engine/statement-options.ts';
import { transactionControlOf } from '../engine/transaction-control.ts';
import type { StatementTiming } from '../foundation/statement-timing.ts';
import { TouchLedger, type SavepointCommand } from './touch-ledger.ts';
import { writeAlone } from './write-alone.ts';
import { outcomeOfBatch, outcomeOfCommit, outcomeOfStatement } from './write-outcome.ts';
import { untouched, type Touched, type WriteWatch, type WriteWatcher } from './write-watch.ts';

/** Runs statements as one transaction, whose wait is told. @returns the result of the first */
type TimedLoneWrite = <Row>(
  queries: readonly [CompiledQuery, ...CompiledQuery[]],
  timing: StatementTiming | undefined,
) => Promise<QueryResult<Row>>;

/**
 * A lent connection whose writes are watched. In a transaction it gathers what is touched for its COMMIT; else each
 * statement takes effect by itself. Whoever keeps the connection may begin and end transactions by SQL: from the first
 * such statement on, what was touched is settled behind each of its statements, again by each that may end a
 * transaction, and when the connection is given back.
 */
export class WatchedConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #watch: WriteWatch;
  readonly #alone: TimedLoneWrite;
  /** Those who have seen all that was sent since it was lent, or since its transaction began. */
  #known: readonly WriteWatcher[];
  #transaction: TouchLedger | undefined;
  /** What may still be uncommitted, where its holder runs transactions by SQL, or a stream has written. */
  #unsettled: Touched[] = [];
  #isControlled = false;

  // Kysely looks at whether these exist, so they exist only where the connection has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  /** @param alone how a statement that stands alone is made a transaction */
  constructor(inner: DatabaseConnection, watch: WriteWatch, alone: TimedLoneWrite) {
    this.inner = inner;
    this.#watch = watch;
    this.#alone = alone;
    this.#known = watch.watchers;
    if (inner.cancelQuery) this.cancelQuery = inner.cancelQuery.bind(inner);
    if (inner.killSession) this.killSession = inner.killSession.bind(inner);
    if (inner.collectSessionInfo) this.collectSessionInfo = inner.collectSessionInfo.bind(inner);
  }

  executeQuery<Row>(query: CompiledQuery, options?: StatementOptions): Promise<QueryResult<Row>> {
    if (this.#watch.isIdle) return this.inner.executeQuery<Row>(query, options);
    return this.#transaction === undefined
      ? this.#executeAlone(query, options)
      : this.#executeInside(this.#transaction, query, options);
  }

  streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: StatementOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const stream = this.inner.streamQuery<Row>(query, chunkSize, options);
    if (this.#watch.isIdle) return stream;
    const touched = this.#watch.touchedBy(query);
    if (touched.length === 0) return stream;
    if (this.#transaction === undefined) return this.#streamAlone(stream, touched);
    this.#transaction.add(touched);
    return stream;
  }

  /** Call it when a transaction has begun on it. */
  begun(): void {
    this.#transaction = new TouchLedger();
    if (this.#unsettled.length === 0 && !this.#isControlled) this.#known = this.#watch.watchers;
  }

  /** Call it when a savepoint of the driver's is sent. */
  savepointCommand(verb: SavepointCommand['verb'], name: string): () => void {
    const transaction = this.#transaction;
    const command = transaction?.command(verb, name);
    return () => {
      if (command !== undefined) transaction?.note(command);
    };
  }

  /** @param commit ends its transaction */
  commit(commit: () => Promise<void>): Promise<void> {
    // Also what its holder has left open: a driver may begin in it without a word.
    const touched = [...this.#missed(), ...this.#unsettled, ...(this.#transaction?.touched ?? untouched)];
    this.#transaction = undefined;
    if (touched.length === 0) return commit();
    return this.#watch.settle(
      touched,
      async () => {
        for (const query of this.#watch.accompany(touched)) await this.inner.executeQuery(query);
        await commit();
      },
      outcomeOfCommit,
    );
  }

  /** Call it before its transaction is rolled back. */
  rollingBack(): void {
    this.#transaction = undefined;
  }

  /** @param release gives it back */
  release(release: () => Promise<void>): Promise<void> {
    this.#transaction = undefined;
    const touched = [...this.#missed(), ...this.#unsettled];
    this.#unsettled = [];
    if (touched.length === 0) return release();
    return this.#watch.settle(touched, release, () => 'unknown');
  }

  #executeInside<Row>(
    transaction: TouchLedger,
    query: CompiledQuery,
    options: StatementOptions | undefined,
  ): Promise<QueryResult<Row>> {
    transaction.add(this.#watch.touchedBy(query));
    const result = this.inner.executeQuery<Row>(query, options);
    const control = transactionControlOf(query.sql);
    if (control !== 'savepoint' && control !== 'undo') return result;
    const command = transaction.read(query.sql);
    return noteBehind(result, transaction, command);
  }

  async #executeAlone<Row>(
    query: CompiledQuery,
    options: StatementOptions | undefined,
  ): Promise<QueryResult<Row>> {
    const touched = this.#watch.touchedBy(query);
    const control = transactionControlOf(query.sql);
    // Behind a semicolon another statement may stand.
    const mayEnd = control !== undefined || query.sql.includes(';');
    const missed = this.#missed();
    this.#isControlled ||= mayEnd || missed.length > 0;
    this.#unsettled.push(...missed);
    const settled = mayEnd ? [...this.#unsettled, ...touched] : touched;
    const before = this.#unsettled.length;
    if (this.#isControlled) this.#unsettled.push(...touched);
    if (settled.length === 0) return this.inner.executeQuery<Row>(query, options);
    const result = await writeAlone(this.#watch, settled, query as CompiledQuery<Row>, {
      send: <Each>(each: CompiledQuery<Each>) => this.inner.executeQuery<Each>(each, options),
      together: this.#isControlled ? undefined : (queries) => this.#alone(queries, options?.timing),
      signal: options?.signal,
      outcomeOf: this.#isControlled ? outcomeOfControlled : outcomeOfStatement,
    });
    if (control === 'boundary' && isPlain(query.sql)) this.#unsettled.splice(0, before);
    return result;
  }

  async *#streamAlone<Row>(
    stream: AsyncIterableIterator<QueryResult<Row>>,
    touched: readonly Touched[],
  ): AsyncIterableIterator<QueryResult<Row>> {
    // An engine may commit what a stream has written when the connection is given back.
    this.#unsettled.push(...touched);
    const hear = this.#watch.begin(touched);
    let failure: { readonly error: unknown } | undefined;
    try {
      yield* stream;
      for (const query of this.#watch.accompany(touched)) await this.inner.executeQuery(query);
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      // Behind the end of the inner stream: a reader who leaves ends that first.
      await hear(failure === undefined ? 'kept' : outcomeOfStatement(failure.error));
    }
  }

  /** What stands for all that was sent before somebody began to watch. */
  #missed(): readonly Touched[] {
    const { watchers } = this.#watch;
    if (this.#known === watchers) return untouched;
    const missed = watchers
      .filter((watcher) => !this.#known.includes(watcher))
      .map((watcher) => ({ watcher, touch: watcher.anything }));
    this.#known = watchers;
    return missed;
  }
}

async function noteBehind<Row>(
  result: Promise<QueryResult<Row>>,
  transaction: TouchLedger,
  command: SavepointCommand | undefined,
): Promise<QueryResult<Row>> {
  const answer = await result;
  if (command === undefined) transaction.forgetSavepoints();
  else transaction.note(command);
  return answer;
}

/** Behind a failed COMMIT of the holder's nobody here knows what its driver has found out. */
function outcomeOfControlled(error: unknown): 'kept' | 'unknown' {
  return outcomeOfBatch(error) === 'undone' ? 'kept' : 'unknown';
}

/** Whether no comment lets one engine see another statement than the other. */
function isPlain(sql: string): boolean {
  return !sql.includes('--') && !sql.includes('/*') && !sql.includes(';');
}
