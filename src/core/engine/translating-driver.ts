import type {
  CompiledQuery,
  ControlConnectionProvider,
  DatabaseConnection,
  Driver,
  QueryCompiler,
  QueryResult,
  TransactionSettings,
} from 'kysely';
import { LiminalDataError } from '../foundation/errors/liminal-data-error.ts';
import { TransactionAbortedError } from '../foundation/errors/transaction-errors.ts';
import { isRolledBack, markRolledBack, transactionAborted } from './transaction-aborted.ts';
import type { TranslateError } from './translate-error.ts';

type Compile = QueryCompiler['compileQuery'];
type Options = { readonly signal?: AbortSignal | undefined };

/** Passes every call on to a driver and translates what it throws. */
export class TranslatingDriver implements Driver {
  readonly #inner: Driver;
  readonly #guard: Guard;
  readonly #wrapped = new WeakMap<DatabaseConnection, TranslatingConnection>();

  constructor(inner: Driver, translate: TranslateError) {
    this.#inner = inner;
    this.#guard = createGuard(translate);
  }

  init(options?: Options): Promise<void> {
    return this.#guard(() => this.#inner.init(options));
  }

  async acquireConnection(options?: Options): Promise<DatabaseConnection> {
    const connection = await this.#guard(() => this.#inner.acquireConnection(options)).catch(
      afterAbort(options, () => new Promise<never>(() => {})),
    );
    let wrapped = this.#wrapped.get(connection);
    if (wrapped === undefined) {
      wrapped = new TranslatingConnection(connection, this.#guard);
      this.#wrapped.set(connection, wrapped);
    }
    return wrapped;
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return this.#guard(() => this.#inner.beginTransaction(innerOf(connection), settings));
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#guard(() => this.#inner.commitTransaction(innerOf(connection)));
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#guard(() => this.#inner.rollbackTransaction(innerOf(connection)));
  }

  savepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return this.#guard(async () => this.#inner.savepoint?.(innerOf(connection), name, compile));
  }

  rollbackToSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return this.#guard(async () => this.#inner.rollbackToSavepoint?.(innerOf(connection), name, compile));
  }

  releaseSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return this.#guard(async () => this.#inner.releaseSavepoint?.(innerOf(connection), name, compile));
  }

  releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    return this.#guard(() => this.#inner.releaseConnection(innerOf(connection), options));
  }

  destroy(options?: Options): Promise<void> {
    return this.#guard(() => this.#inner.destroy(options));
  }
}

class TranslatingConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #guard: Guard;

  // Kysely looks at whether these exist, so they exist only where the inner connection has them.
  readonly cancelQuery?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly killSession?: (provider: ControlConnectionProvider) => Promise<void>;
  readonly collectSessionInfo?: () => Promise<void>;

  constructor(inner: DatabaseConnection, guard: Guard) {
    this.inner = inner;
    this.#guard = guard;
    if (inner.cancelQuery) this.cancelQuery = (provider) => guard(async () => inner.cancelQuery?.(provider));
    if (inner.killSession) this.killSession = (provider) => guard(async () => inner.killSession?.(provider));
    if (inner.collectSessionInfo)
      this.collectSessionInfo = () => guard(async () => inner.collectSessionInfo?.());
  }

  executeQuery<Row>(query: CompiledQuery, options?: Options): Promise<QueryResult<Row>> {
    // It has to settle: only then does Kysely give the connection back.
    return this.#guard(() => this.inner.executeQuery<Row>(query, options)).catch(
      afterAbort(options, () => ({ rows: [] })),
    );
  }

  async *streamQuery<Row>(
    query: CompiledQuery,
    chunkSize: number,
    options?: Options,
  ): AsyncIterableIterator<QueryResult<Row>> {
    const stream = this.inner.streamQuery<Row>(query, chunkSize, options);
    try {
      for (;;) {
        const next = await this.#guard(() => stream.next()).catch(
          afterAbort(options, () => ({ done: true, value: undefined }) as const),
        );
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await this.#guard(async () => stream.return?.());
    }
  }
}

type Guard = <Result>(work: () => Promise<Result>) => Promise<Result>;

function createGuard(translate: TranslateError): Guard {
  const translations = new WeakMap<object, LiminalDataError>();
  const toOwnError = (error: unknown): LiminalDataError => {
    if (error instanceof LiminalDataError) return withOwnCause(error, translations);
    const translated = translate(error);
    if (error instanceof Error) translations.set(error, translated);
    return translated;
  };
  return async (work) => {
    try {
      return await work();
    } catch (error) {
      throw toOwnError(error);
    }
  };
}

/** A driver may tell a failure again that has passed here before; then as what its first hearer was told. */
function withOwnCause(
  error: LiminalDataError,
  translations: WeakMap<object, LiminalDataError>,
): LiminalDataError {
  if (!(error instanceof TransactionAbortedError) || !(error.cause instanceof Error)) return error;
  const failure = translations.get(error.cause);
  if (failure === undefined) return error;
  const aborted = transactionAborted(failure);
  return isRolledBack(error) ? markRolledBack(aborted) : aborted;
}

/** Kysely has told the caller of the abort already, and prints whatever fails after it to the console. */
function afterAbort<Result>(options: Options | undefined, replace: () => Result): (error: unknown) => Result {
  return (error) => {
    if (options?.signal?.aborted !== true) throw error;
    return replace();
  };
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof TranslatingConnection ? connection.inner : connection;
}
