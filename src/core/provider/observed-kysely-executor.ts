import type {
  AbortableOperationOptions,
  AbortableQueryOptions,
  CompiledQuery,
  ConnectionProvider,
  ControlConnectionProvider,
  DatabaseConnection,
  DialectAdapter,
  KyselyPlugin,
  QueryExecutor,
  QueryId,
  QueryResult,
  RootOperationNode,
} from 'kysely';
import { outcomeOf, type ObservedStatement, type StatementObserver } from './statement-observer.ts';

/** What an observed executor needs to know. */
export interface ObservedKyselyOptions {
  readonly observer: StatementObserver;
  /** The number of the transaction that Kysely runs on a connection. */
  readonly transactionOn: (connection: DatabaseConnection) => number | undefined;
  /** That of the transaction that all of its statements belong to; undefined where the connection tells. */
  readonly transaction?: number | undefined;
}

/**
 * Times what goes through Kysely. Its own log hears only of what has got a connection, nothing of waiting for one, and
 * never of the statement whose caller has aborted. It stands there only where somebody listens.
 */
export class ObservedKyselyExecutor implements QueryExecutor {
  readonly #inner: QueryExecutor;
  readonly #options: ObservedKyselyOptions;

  constructor(inner: QueryExecutor, options: ObservedKyselyOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  get adapter(): DialectAdapter {
    return this.#inner.adapter;
  }

  get plugins(): readonly KyselyPlugin[] {
    return this.#inner.plugins;
  }

  async executeQuery<Row>(
    query: CompiledQuery<Row>,
    options?: AbortableQueryOptions,
  ): Promise<QueryResult<Row>> {
    const statement = this.#begin('single');
    const lender = new TimedLender(this.#inner, statement, this.#options);
    let result: QueryResult<Row>;
    try {
      result = await this.#inner.withConnectionProvider(lender).executeQuery(query, options);
    } catch (error) {
      // A plugin that fails behind the answer makes no failure of the statement.
      const answer = options?.signal?.aborted === true ? undefined : lender.answer;
      statement.settle(query, answer === undefined ? { error } : outcomeOf(answer));
      throw error;
    }
    statement.settle(query, outcomeOf(lender.answer ?? result));
    return result;
  }

  async *stream<Row>(
    query: CompiledQuery<Row>,
    chunkSize: number,
    options?: AbortableOperationOptions,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const statement = this.#begin('stream');
    const lender = new TimedLender(this.#inner, statement, this.#options);
    let rows = 0;
    let failure: { readonly error: unknown } | undefined;
    try {
      const chunks = this.#inner.withConnectionProvider(lender).stream(query, chunkSize, options);
      for await (const chunk of chunks) {
        rows += chunk.rows.length;
        statement.rest();
        yield chunk;
        statement.goOn();
      }
    } catch (error) {
      failure = { error };
      throw error;
    } finally {
      // Here, since a reader may have enough before the end.
      statement.goOn();
      statement.settle(query, failure ?? { rows });
    }
  }

  transformQuery<Node extends RootOperationNode>(node: Node, queryId: QueryId): Node {
    return this.#inner.transformQuery(node, queryId);
  }

  compileQuery<Row = unknown>(node: RootOperationNode, queryId: QueryId): CompiledQuery<Row> {
    return this.#inner.compileQuery<Row>(node, queryId);
  }

  provideConnection<Result>(
    consumer: (connection: DatabaseConnection) => Promise<Result>,
    options?: AbortableOperationOptions,
  ): Promise<Result> {
    return this.#inner.provideConnection(consumer, options);
  }

  /** As `withConnectionProvider`, for a provider whose connections all stand in one transaction. */
  within(provider: ConnectionProvider, transaction: number): QueryExecutor {
    const inner = this.#inner.withConnectionProvider(provider);
    return new ObservedKyselyExecutor(inner, { ...this.#options, transaction });
  }

  withConnectionProvider(provider: ConnectionProvider): QueryExecutor {
    return this.#derive(this.#inner.withConnectionProvider(provider));
  }

  withPlugin(plugin: KyselyPlugin): QueryExecutor {
    return this.#derive(this.#inner.withPlugin(plugin));
  }

  withPlugins(plugins: readonly KyselyPlugin[]): QueryExecutor {
    return this.#derive(this.#inner.withPlugins(plugins));
  }

  withPluginAtFront(plugin: KyselyPlugin): QueryExecutor {
    return this.#derive(this.#inner.withPluginAtFront(plugin));
  }

  withoutPlugins(): QueryExecutor {
    return this.#derive(this.#inner.withoutPlugins());
  }

  #derive(inner: QueryExecutor): QueryExecutor {
    return new ObservedKyselyExecutor(inner, this.#options);
  }

  #begin(kind: 'single' | 'stream'): ObservedStatement {
    return this.#options.observer.begin(kind, this.#options.transaction);
  }
}

/** Lends the connection of one statement, and sees how long that takes. */
class TimedLender implements ConnectionProvider {
  /** What the database has answered, before plugins change it. */
  answer: QueryResult<unknown> | undefined;
  readonly #inner: ConnectionProvider;
  readonly #statement: ObservedStatement;
  readonly #options: ObservedKyselyOptions;
  #isAsked = false;

  constructor(inner: ConnectionProvider, statement: ObservedStatement, options: ObservedKyselyOptions) {
    this.#inner = inner;
    this.#statement = statement;
    this.#options = options;
  }

  provideConnection<Result>(
    consumer: (connection: DatabaseConnection) => Promise<Result>,
    options?: AbortableOperationOptions,
  ): Promise<Result> {
    // Kysely asks for a second one to cancel by.
    if (this.#isAsked) return this.#inner.provideConnection(consumer, options);
    this.#isAsked = true;
    const statement = this.#statement;
    statement.startWait();
    return this.#inner.provideConnection((connection) => {
      statement.endWait();
      statement.transaction ??= this.#options.transactionOn(connection);
      return consumer(this.#timed(connection));
    }, options);
  }

  #timed(connection: DatabaseConnection): DatabaseConnection {
    const timing = this.#statement;
    return {
      executeQuery: async <Row>(query: CompiledQuery, options?: AbortableOperationOptions) => {
        const answer = await connection.executeQuery<Row>(query, { ...options, timing } as object);
        this.answer = answer;
        return answer;
      },
      streamQuery: <Row>(query: CompiledQuery, chunkSize: number, options?: AbortableOperationOptions) =>
        connection.streamQuery<Row>(query, chunkSize, { ...options, timing } as object),
      // Kysely looks at whether these exist, so they exist only where the connection has them.
      ...(connection.cancelQuery && {
        cancelQuery: (provider: ControlConnectionProvider) => connection.cancelQuery!(provider),
      }),
      ...(connection.killSession && {
        killSession: (provider: ControlConnectionProvider) => connection.killSession!(provider),
      }),
      ...(connection.collectSessionInfo && { collectSessionInfo: () => connection.collectSessionInfo!() }),
    };
  }
}
