import type {
  CompiledQuery,
  ControlConnectionProvider,
  DatabaseConnection,
  Driver,
  QueryCompiler,
  QueryResult,
  TransactionSettings,
} from 'kysely';
import type { FaultInjector } from './fault-injector.ts';

type Compile = QueryCompiler['compileQuery'];
type Options = { readonly signal?: AbortSignal | undefined };

/** Asks an injector before it passes a call on. Giving back and closing always go through: nobody could go on. */
export class FaultyDriver implements Driver {
  readonly #inner: Driver;
  readonly #inject: FaultInjector;

  constructor(inner: Driver, inject: FaultInjector) {
    this.#inner = inner;
    this.#inject = inject;
  }

  init(options?: Options): Promise<void> {
    return this.#inner.init(options);
  }

  async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    await this.#inject({ kind: 'acquire', sql: undefined });
    return new FaultyConnection(await this.#inner.acquireConnection(options), this.#inject);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await this.#inject({ kind: 'begin', sql: undefined });
    await this.#inner.beginTransaction(innerOf(connection), settings);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#inject({ kind: 'commit', sql: undefined });
    await this.#inner.commitTransaction(innerOf(connection));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#inject({ kind: 'rollback', sql: undefined });
    await this.#inner.rollbackTransaction(innerOf(connection));
  }

  async savepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    await this.#inject({ kind: 'savepoint', sql: undefined });
    await this.#inner.savepoint?.(innerOf(connection), name, compile);
  }

  async rollbackToSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    await this.#inject({ kind: 'savepoint', sql: undefined });
    await this.#inner.rollbackToSavepoint?.(innerOf(connection), name, compile);
  }

  async releaseSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    await this.#inject({ kind: 'savepoint', sql: undefined });
    await this.#inner.releaseSavepoint?.(innerOf(connection), name, compile);
  }

  releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    return this.#inner.releaseConnection(innerOf(connection), options);
  }

  destroy(options?: Options): Promise<void> {
    return this.#inner.destroy(options);
  }
}

class FaultyConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #inject: FaultInjector;

  // Kysely looks at whether these exist, so they exist only where the inner connection has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  constructor(inner: DatabaseConnection, inject: FaultInjector) {
    this.inner = inner;
    this.#inject = inject;
    if (inner.cancelQuery) this.cancelQuery = inner.cancelQuery.bind(inner);
    if (inner.killSession) this.killSession = inner.killSession.bind(inner);
    if (inner.collectSessionInfo) this.collectSessionInfo = inner.collectSessionInfo.bind(inner);
  }

  async executeQuery<Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> {
    await this.#inject({ kind: 'statement', sql: query.sql });
    return this.inner.executeQuery<Row>(query, options);
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: Options,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const chunks = this.inner.streamQuery<Row>(query, chunkSize, options);
    try {
      for (;;) {
        await this.#inject({ kind: 'statement', sql: query.sql });
        const next = await chunks.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await chunks.return?.();
    }
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof FaultyConnection ? connection.inner : connection;
}
