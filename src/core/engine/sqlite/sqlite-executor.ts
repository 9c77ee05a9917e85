import type { CompiledQuery, QueryResult } from 'kysely';
import { timeWait, type StatementTiming } from '../../foundation/statement-timing.ts';
import { trackHoldings } from '../../pool/holding.ts';
import type { DirectExecutor, StatementSpan } from '../direct-executor.ts';
import type { StatementOptions } from '../statement-options.ts';
import { requireNoBoundary, requireNoTransactionControl } from '../transaction-control.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { translateSqliteError, translateUnlessReason } from './sqlite-errors.ts';
import type { LaneConnection } from './sqlite-lane.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { lostError } from './sqlite-lost-error.ts';
import { SqliteWriteQueue } from './sqlite-write-queue.ts';
import { kindOf, leavesTraces, type StatementKind } from './statement-kind.ts';
import type { SqliteWorkers } from './worker/sqlite-workers.ts';

type Results = readonly QueryResult<unknown>[];

/** Sends each statement where it belongs: reads to a reader, writes to the queue, the rest to the writer alone. */
export class SqliteExecutor implements DirectExecutor {
  readonly #lanes: SqliteLanes;
  readonly #workers: SqliteWorkers | undefined;
  readonly #writes: SqliteWriteQueue;

  constructor(lanes: SqliteLanes) {
    this.#lanes = lanes;
    this.#workers = lanes.workers;
    this.#writes = new SqliteWriteQueue(lanes);
  }

  /** A read that was prepared before runs at once; everything else may wait. */
  async execute<Row>(query: CompiledQuery<Row>, options?: StatementOptions): Promise<QueryResult<Row>> {
    const signal = options?.signal;
    signal?.throwIfAborted();
    try {
      const result = this.tryRead<Row>(query);
      if (result !== undefined) return result;
      const kind = kindOf(query.sql);
      if (kind === 'other') {
        requireNoTransactionControl(query.sql);
        return await this.#runAlone<Row>(query, options);
      }
      return await this.run<Row>(query, kind, options);
    } catch (error) {
      throw translateUnlessReason(error, signal);
    }
  }

  tryExecute<Row>(query: CompiledQuery<Row>, span: StatementSpan): QueryResult<Row> | undefined {
    const { meter, steps } = this.#lanes;
    meter.isOn = true;
    try {
      return this.tryRead<Row>(query);
    } catch (error) {
      throw translateSqliteError(error);
    } finally {
      span.start = steps.turn.now;
      span.end = meter.lastEnd;
    }
  }

  async batch(queries: readonly CompiledQuery[], timing?: StatementTiming): Promise<Results> {
    if (queries.length === 0) return [];
    try {
      for (const { sql } of queries) requireNoBoundary(sql);
      const kinds = new Set(queries.map(({ sql }) => kindOf(sql)));
      if (kinds.has('other')) return await this.#runTransaction(queries, timing);
      if (kinds.has('write') || !this.#lanes.hasReaders)
        return await this.#writes.submit(queries, true, { timing });
      return (
        (await this.#readTogether(queries, timing)) ?? (await this.#writes.submit(queries, true, { timing }))
      );
    } catch (error) {
      throw translateSqliteError(error);
    }
  }

  /** @returns undefined where the statement is no read that can run at once; whoever can wait then waits */
  tryRead<Row>({ sql, parameters }: CompiledQuery): QueryResult<Row> | undefined {
    // No thread answers at once.
    if (this.#workers !== undefined) return undefined;
    return this.#lanes.tryRead<Row>(sql, parameters);
  }

  /** Runs a statement that stands for itself, and waits where it has to. */
  async run<Row>(
    query: CompiledQuery,
    kind: Exclude<StatementKind, 'other'>,
    options: StatementOptions = {},
  ): Promise<QueryResult<Row>> {
    if (kind === 'read') {
      if (!this.#lanes.hasReaders) this.#writes.closeRanks();
      const result = await (this.#workers ?? this.#lanes).read<Row>(query.sql, query.parameters, options);
      if (result !== undefined) return result;
    }
    const [result] = await this.#writes.submit([query], false, options);
    return result as QueryResult<Row>;
  }

  /** Waits for the writer, for longer than a statement. It is given back to the lanes. */
  takeWriter({ signal, timing }: StatementOptions = {}): Promise<LaneConnection> {
    this.#writes.closeRanks();
    return timing === undefined
      ? this.#lanes.writer.take(signal)
      : timeWait(timing, () => this.#lanes.writer.take(signal));
  }

  /** For what gives it back without waiting for anything else: the running work may wait for that. */
  #takeWriterBriefly(options?: StatementOptions): Promise<LaneConnection> {
    return trackHoldings(() => this.takeWriter(options));
  }

  /**
   * Runs a statement on a connection that the caller holds.
   *
   * @param check runs right before, and throws where the statement must not run
   */
  runOn<Row>(
    connection: LaneConnection,
    { sql, parameters }: CompiledQuery,
    check: () => void = () => {},
  ): Promise<QueryResult<Row>> {
    const { database } = connection;
    const isOther = kindOf(sql) === 'other';
    if (isOther && leavesTraces(sql)) this.#lanes.noteTraces(connection);
    const step = () => {
      check();
      return database.run<Row>(sql, parameters);
    };
    // Within a transaction nothing but a COMMIT commits.
    return database.inTransaction && !isOther
      ? this.#lanes.steps.run(step)
      : this.#lanes.steps.runCommitting(step);
  }

  /**
   * Reads in chunks, on a reader that is held until the end.
   *
   * @returns undefined where the statement would write
   */
  async stream<Row>(
    { sql, parameters }: CompiledQuery,
    chunkSize: number,
    options: StatementOptions = {},
  ): Promise<AsyncGenerator<QueryResult<Row>> | undefined> {
    if (this.#workers !== undefined) return this.#workers.stream<Row>(sql, parameters, chunkSize, options);
    const connection = await this.#lanes.lendReader(options);
    try {
      if (await this.#lanes.steps.run(() => connection.database.isRead(sql))) {
        return this.#chunks<Row>(connection, sql, connection.database.iterate(sql, parameters), chunkSize);
      }
    } catch (error) {
      this.#lanes.giveBackReader(connection);
      throw error;
    }
    this.#lanes.giveBackReader(connection);
    return undefined;
  }

  async *#chunks<Row>(
    connection: LaneConnection,
    sql: string,
    rows: Generator<unknown, void>,
    size: number,
  ): AsyncGenerator<QueryResult<Row>> {
    try {
      for (;;) {
        const chunk = await this.#lanes.steps.run(() => {
          const { meter } = this.#lanes;
          const start = meter.begin();
          try {
            return takeRows(rows, size);
          } finally {
            if (meter.note(start)) meter.warn(sql, start, true);
          }
        });
        if (chunk.length > 0) yield { rows: chunk as Row[] };
        if (chunk.length < size) return;
      }
    } finally {
      rows.return();
      this.#lanes.giveBackReader(connection);
    }
  }

  async #runAlone<Row>(query: CompiledQuery, options: StatementOptions = {}): Promise<QueryResult<Row>> {
    const connection = await this.#takeWriterBriefly(options);
    try {
      return await this.runOn<Row>(connection, query, () => options.signal?.throwIfAborted());
    } finally {
      this.#giveBackClean(connection);
    }
  }

  /** A batch with a statement in it that shares its transaction with nobody, such as CREATE TABLE. */
  async #runTransaction(
    queries: readonly CompiledQuery[],
    timing: StatementTiming | undefined,
  ): Promise<Results> {
    const connection = await this.#takeWriterBriefly({ timing });
    const { database } = connection;
    const check = () => {
      if (!database.inTransaction) throw lostError();
    };
    try {
      await this.#lanes.steps.runCommitting(() => database.command('begin immediate'));
      const results: QueryResult<unknown>[] = [];
      for (const query of queries) results.push(await this.runOn(connection, query, check));
      check();
      await this.#lanes.steps.runCommitting(() => database.command('commit'));
      return results;
    } finally {
      this.#giveBackClean(connection);
    }
  }

  #giveBackClean(connection: LaneConnection): void {
    connection.database.rollBack();
    this.#lanes.giveBackWriter(connection);
  }

  /** @returns undefined where one of them would write; nothing has happened then */
  async #readTogether(
    queries: readonly CompiledQuery[],
    timing: StatementTiming | undefined,
  ): Promise<Results | undefined> {
    if (this.#workers !== undefined) return this.#workers.readTogether(queries, timing);
    const connection = await trackHoldings(() => this.#lanes.lendReader({ timing }));
    try {
      return await this.#lanes.steps.run(() => readAll(connection.database, queries));
    } finally {
      this.#lanes.giveBackReader(connection);
    }
  }
}

/** All from one snapshot. */
function readAll(database: SqliteDatabase, queries: readonly CompiledQuery[]): Results | undefined {
  const results: QueryResult<unknown>[] = [];
  database.command('begin');
  try {
    for (const { sql, parameters } of queries) {
      const result = database.read(sql, parameters);
      if (result === undefined) return undefined;
      results.push(result);
    }
    return results;
  } finally {
    database.command('commit');
  }
}

function takeRows(rows: Iterator<unknown>, size: number): unknown[] {
  const taken: unknown[] = [];
  while (taken.length < size) {
    const next = rows.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}
