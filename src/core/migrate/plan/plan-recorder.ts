/** Records the statements of one migration of a plan, and runs them one after the other. */
import { CompiledQuery, type DatabaseConnection, type Kysely, type QueryResult } from 'kysely';
import type { MigrationTraits } from '../../engine/migration-traits.ts';
import type { StatementAssessment, StatementWitness } from '../../engine/statement-assessment.ts';
import type { Clock } from '../../foundation/clock.ts';
import { QueryError } from '../../foundation/errors/statement-errors.ts';
import type { PlanScenery } from './plan-scenery.ts';
import type { RecordedStatement } from './recorded-statement.ts';
import { unknownStatement } from './unknown-statement.ts';

type Options = { readonly signal?: AbortSignal | undefined };

const ownSavepoint = 'liminal_plan_statement';

/** What a recorder needs to know. */
export interface PlanRecorderOptions {
  readonly traits: Pick<MigrationTraits, 'plan' | 'refuse'>;
  readonly scenery: PlanScenery;
  readonly witness: StatementWitness | undefined;
  /** Whether the migration has a transaction when it runs. */
  readonly inTransaction: boolean;
  readonly clock: Clock;
  /** Makes a handle over a connection that a statement holds: asking by the plan's own would wait for that statement. */
  readonly openHandle: (connection: DatabaseConnection) => Kysely<any>;
}

/** Records what goes over a connection. */
export class PlanRecorder {
  readonly #options: PlanRecorderOptions;
  readonly #statements: RecordedStatement[] = [];
  /** Ends when the last statement that was sent has ended. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #inner = new WeakMap<DatabaseConnection, DatabaseConnection>();

  constructor(options: PlanRecorderOptions) {
    this.#options = options;
  }

  /** What was sent so far. */
  get statements(): readonly RecordedStatement[] {
    return this.#statements;
  }

  /** Waits for what the migration has sent and not awaited. */
  async settle(): Promise<void> {
    let last: unknown;
    while (last !== this.#last) {
      last = this.#last;
      await this.#last;
    }
  }

  /** Sends a statement of the plan's own, behind those of the migration. */
  sendUnrecorded(connection: DatabaseConnection, text: string): Promise<void> {
    const inner = this.#inner.get(connection) ?? connection;
    const sent = this.#last.then(() => inner.executeQuery(CompiledQuery.raw(text)));
    this.#last = sent.catch(() => {});
    return sent.then(() => {});
  }

  /** A connection that records what it is sent. */
  wrap(connection: DatabaseConnection): DatabaseConnection {
    const wrapped: DatabaseConnection = {
      executeQuery: (query, options) => this.#execute(query, connection, options),
      streamQuery: (query, chunkSize, options) => this.#stream(connection, query, chunkSize, options),
    };
    this.#inner.set(wrapped, connection);
    return wrapped;
  }

  #execute<Row>(
    query: CompiledQuery,
    connection: DatabaseConnection,
    options?: Options,
  ): Promise<QueryResult<Row>> {
    const result = this.#last.then(() => this.#run<Row>(query, connection, options));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run<Row>(
    query: CompiledQuery,
    connection: DatabaseConnection,
    options?: Options,
  ): Promise<QueryResult<Row>> {
    const { traits, clock, inTransaction, witness } = this.#options;
    const refusal = traits.refuse?.(query.sql);
    if (refusal !== undefined) throw new QueryError(refusal, undefined);
    const text = inTransaction ? query.sql : this.#runnable(query.sql);
    const executed = text === undefined ? 'no' : text === query.sql ? 'as written' : 'in another form';
    const start = clock.monotonic();
    const record = (assessment: StatementAssessment) => this.#record(query, executed, assessment, start);
    let assessment = this.#assess(query.sql);
    if (text === undefined) {
      record(assessment);
      return { rows: [] };
    }
    let result: QueryResult<Row>;
    try {
      result = await this.#send<Row>({ ...query, sql: text }, connection, options);
    } catch (error) {
      record(assessment);
      throw error;
    }
    const recorded = record(assessment);
    if (witness !== undefined && executed === 'as written') {
      assessment = await witness.settle(this.#options.openHandle(connection), query.sql, assessment);
      this.#statements[recorded] = { ...(this.#statements[recorded] as RecordedStatement), assessment };
    } else await witness?.settle(this.#options.openHandle(connection), query.sql, assessment);
    this.#options.scenery.follow(assessment);
    return result;
  }

  /** Without a transaction a statement that fails undoes nothing but itself. */
  async #send<Row>(
    query: CompiledQuery,
    connection: DatabaseConnection,
    options?: Options,
  ): Promise<QueryResult<Row>> {
    if (this.#options.inTransaction) return connection.executeQuery<Row>(query, options);
    const run = (text: string) => connection.executeQuery(CompiledQuery.raw(text));
    await run(`savepoint ${ownSavepoint}`);
    try {
      const result = await connection.executeQuery<Row>(query, options);
      await run(`release savepoint ${ownSavepoint}`);
      return result;
    } catch (error) {
      await run(`rollback to savepoint ${ownSavepoint}`);
      throw error;
    }
  }

  /** A stream is read as it comes: the statement is recorded, and the database is not asked what it did. */
  async *#stream<Row>(
    connection: DatabaseConnection,
    query: CompiledQuery,
    chunkSize: number,
    options?: Options,
  ): AsyncIterableIterator<QueryResult<Row>> {
    await this.settle();
    this.#record(query, 'as written', this.#assess(query.sql), this.#options.clock.monotonic());
    yield* connection.streamQuery<Row>(query, chunkSize, options);
  }

  #runnable(sql: string): string | undefined {
    const { plan } = this.#options.traits;
    return plan === undefined ? sql : plan.runnable(sql);
  }

  #assess(sql: string): StatementAssessment {
    const { traits, scenery } = this.#options;
    return traits.plan?.assess(sql, scenery.context) ?? unknownStatement;
  }

  #record(
    { sql, parameters }: CompiledQuery,
    executed: RecordedStatement['executed'],
    assessment: StatementAssessment,
    start: number,
  ): number {
    const { traits, scenery, clock } = this.#options;
    const inUse = traits.plan?.assess(sql, { ...scenery.context, made: new Set() });
    const place = this.#statements.push({
      sql,
      parameters: parameters.length,
      executed,
      duration: clock.monotonic() - start,
      assessment,
      codesInUse: (inUse?.dangers ?? []).map(({ code }) => code),
    });
    return place - 1;
  }
}
