import type { CompiledQuery, Kysely, QueryExecutorProvider, QueryResult, RawBuilder } from 'kysely';
import { NotFoundError } from '../foundation/errors/entity-errors.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { statementRows } from './statement-rows.ts';
import { requireHandle, runStatement, type StatementTarget } from './statement-target.ts';
import { slot, StatementTemplate } from './statement-template.ts';

/**
 * Gives an expression for a parameter by its name: wherever Kysely takes a value or an expression, it takes
 * this one. The same name may stand several times.
 *
 * @typeParam Params the parameters' types by name; one that is `unknown` fits wherever it stands
 */
export type Param<Params> = <Name extends keyof Params & string>(
  name: Name,
) => RawBuilder<unknown extends Params[Name] ? never : Params[Name]>;

/** A query that can be prepared: one of Kysely's builders, or its `sql` template. */
export interface PreparableQuery<Row> {
  /** Compiles it by an executor; every builder of Kysely has this. */
  compile(executor: QueryExecutorProvider): CompiledQuery<Row>;
}

/** Where and how long a prepared query runs. */
export interface ExecuteOptions<DB> {
  /** A transaction; by default the query runs by itself. */
  readonly on?: Kysely<DB> | undefined;
  /**
   * Ends the wait with the signal's reason. By itself a query is cancelled in the database too, where the
   * engine can do that; in a transaction it runs on unheard.
   */
  readonly signal?: AbortSignal | undefined;
}

/** How a prepared query is streamed. */
export interface StreamQueryOptions<DB> extends ExecuteOptions<DB> {
  /** How many rows are fetched at once, from 1; 100 by default. */
  readonly chunkSize?: number | undefined;
}

/**
 * Prepares a query: it is built and compiled once, at its first use, and run any number of times with other
 * parameters. What it costs beyond the database is filling in the parameters.
 *
 * The query is fixed when it is built, so `build` must not depend on anything that changes. Plugins of the
 * handle that it runs on take part at each call, as in any query. It holds no connection and needs no closing.
 *
 * @typeParam Params the parameters' types by name, taken from the type of `param`
 * @param target the provider, or its `db` and `direct`
 * @param build makes the query; `param('name')` stands for a parameter
 * @returns the prepared query; nothing is built or sent before its first use
 * @example
 * const userByEmail = prepare(provider, (db, param: Param<{ email: string }>) =>
 *   db.selectFrom('users').selectAll().where('email', '=', param('email')),
 * );
 * const user = await userByEmail.first({ email: 'a@example.org' });
 */
export function prepare<DB, Row, Params extends object = Record<string, unknown>>(
  target: StatementTarget<DB>,
  build: (db: Kysely<DB>, param: Param<Params>) => PreparableQuery<Row>,
): PreparedQuery<DB, Params, Row> {
  return new PreparedQuery(target, build);
}

/** A query that is compiled once and run with parameters; `prepare` makes it. */
export class PreparedQuery<DB, Params extends object, Row> {
  readonly #target: StatementTarget<DB>;
  readonly #build: (db: Kysely<DB>, param: Param<Params>) => PreparableQuery<Row>;
  #template: StatementTemplate<Row> | undefined;
  #names: readonly string[] = [];

  /**
   * Use `prepare`.
   *
   * @param target the provider, or its `db` and `direct`
   * @param build makes the query
   */
  constructor(
    target: StatementTarget<DB>,
    build: (db: Kysely<DB>, param: Param<Params>) => PreparableQuery<Row>,
  ) {
    this.#target = target;
    this.#build = build;
  }

  /**
   * Runs the query.
   *
   * @param params a value for each parameter
   * @param options `on`: a transaction; `signal`
   * @returns what the `execute` of Kysely's builder would: the rows, or one result that counts where a
   *   statement that writes returns none
   * @throws ValidationError where a parameter is missing, unknown, or of no use to the engine
   * @throws QueryError, or another error of the tree, when the database refuses the statement
   */
  async execute(params: Params, options?: ExecuteOptions<DB>): Promise<Row[]> {
    const statement = this.#bind(params, options?.on);
    const result = await runStatement(this.#target, statement, options?.on, options?.signal);
    return this.#rowsOf(result, statement);
  }

  /**
   * Runs the query for its first row. It does not add a LIMIT.
   *
   * @param params a value for each parameter
   * @param options `on`: a transaction; `signal`
   * @returns the row, or undefined where there is none
   * @throws as `execute`
   */
  async first(params: Params, options?: ExecuteOptions<DB>): Promise<Row | undefined> {
    const statement = this.#bind(params, options?.on);
    const result = await runStatement(this.#target, statement, options?.on, options?.signal);
    return this.#rowsOf(result, statement)[0];
  }

  /**
   * Runs the query for its first row, which must be there.
   *
   * @param params a value for each parameter
   * @param options `on`: a transaction; `signal`
   * @returns the row
   * @throws NotFoundError where there is no row; and as `execute`
   */
  async firstOrThrow(params: Params, options?: ExecuteOptions<DB>): Promise<Row> {
    const row = await this.first(params, options);
    if (row === undefined) throw new NotFoundError(undefined);
    return row;
  }

  /**
   * Reads the rows in chunks, as the engine streams.
   *
   * @param params a value for each parameter
   * @param options `chunkSize` (from 1; 100 by default), `on`, `signal`
   * @returns the rows in order; end the loop early to stop reading
   * @throws as `execute`, in the loop
   */
  async *stream(params: Params, options: StreamQueryOptions<DB> = {}): AsyncGenerator<Row, void, undefined> {
    const { on = this.#target.db, chunkSize = 100, signal } = options;
    const statement = this.#bind(params, on);
    const executor = on.getExecutor();
    for await (const { rows } of executor.stream<Row>(statement, chunkSize, { signal })) yield* rows;
  }

  /**
   * The query with its parameters, for `provider.batch`, or for `executeQuery` of a Kysely handle.
   *
   * @param params a value for each parameter
   * @returns the query as it is to be sent
   * @throws ValidationError where a parameter is missing or unknown
   */
  with(params: Params): CompiledQuery<Row> {
    return this.#bind(params, undefined);
  }

  #rowsOf(result: QueryResult<Row>, { query }: CompiledQuery): Row[] {
    return query.kind === 'SelectQueryNode'
      ? result.rows
      : statementRows(result, query, this.#target.db.getExecutor().adapter);
  }

  #bind(params: Params, on: Kysely<DB> | undefined): CompiledQuery<Row> {
    requireHandle(on);
    const template = this.#template ?? this.#compile();
    this.#requireNames(params);
    return template.bind(params as Record<string, unknown>, on ?? this.#target.db);
  }

  #compile(): StatementTemplate<Row> {
    const db = this.#target.db.withoutPlugins();
    const template = new StatementTemplate(this.#build(db, (name) => slot(name)).compile(db));
    this.#names = [...template.keys].map(String);
    this.#template = template;
    return template;
  }

  #requireNames(params: Params): void {
    if (typeof params !== 'object' || params === null)
      throw new ValidationError('The parameters must be an object.');
    const values = params as Readonly<Record<string, unknown>>;
    let given = 0;
    for (const _ in values) given += 1;
    let known = 0;
    for (const name of this.#names) if (values[name] !== undefined) known += 1;
    if (known !== this.#names.length || given !== known) throw new ValidationError(this.#faultsOf(values));
  }

  #faultsOf(values: Readonly<Record<string, unknown>>): Issue[] {
    const names = this.#names;
    const missing = names.filter((name) => !Object.hasOwn(values, name) || values[name] === undefined);
    const unknown = Object.keys(values).filter((name) => !names.includes(name));
    return [
      ...missing.map((name) => ({
        path: [name],
        message: 'must be given; hand over null where NULL is meant',
      })),
      ...unknown.map((name) => ({
        path: [name],
        message: `is no parameter of this query; it has ${names.join(', ') || 'none'}`,
      })),
    ];
  }
}
