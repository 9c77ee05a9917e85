import type {
  KyselyPlugin,
  PluginTransformQueryArgs,
  PluginTransformResultArgs,
  QueryId,
  QueryResult,
  RootOperationNode,
  UnknownRow,
} from 'kysely';

/** What is known of a query on its way through Kysely. */
interface PassingQuery {
  rows: number;
  /** Its text, once the log has told it. */
  sql: string | undefined;
}

/**
 * Counts the rows of a plain Kysely's queries. A plugin sees rows and neither SQL nor time nor a failure; the log sees
 * those and no rows: `observeKysely` lets both meet by the query's id. By itself it reports nothing.
 */
export class MetricsPlugin implements KyselyPlugin {
  readonly #passing = new WeakMap<QueryId, PassingQuery>();
  readonly #addRows: (sql: string, rows: number) => void;

  /**
   * Use `observeKysely`.
   *
   * @param addRows is told of rows that come behind the log's word of their query
   */
  constructor(addRows: (sql: string, rows: number) => void) {
    this.#addRows = addRows;
  }

  /**
   * Called by Kysely. Changes nothing.
   *
   * @param args the query
   * @returns the same query
   */
  transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    this.#passing.set(args.queryId, { rows: 0, sql: undefined });
    return args.node;
  }

  /**
   * Called by Kysely, for a stream with each chunk. Changes nothing.
   *
   * @param args the rows
   * @returns the same rows
   */
  async transformResult(args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    const { queryId, result } = args;
    const query = this.#passing.get(queryId) ?? { rows: 0, sql: undefined };
    this.#passing.set(queryId, query);
    if (query.sql === undefined) query.rows += result.rows.length;
    else this.#addRows(query.sql, result.rows.length);
    return result;
  }

  /**
   * Called by the log, when a query is through. Rows that come later are told of as they come.
   *
   * @param queryId of the query
   * @param sql its text
   * @returns the rows that were seen so far, as those of a stream
   */
  meet(queryId: QueryId, sql: string): number {
    const query = this.#passing.get(queryId);
    if (query === undefined) {
      this.#passing.set(queryId, { rows: 0, sql });
      return 0;
    }
    const { rows } = query;
    query.sql = sql;
    query.rows = 0;
    return rows;
  }
}
