import type {
  DatabaseConnection,
  Dialect,
  DialectAdapter,
  Driver,
  QueryCompiler,
  TransactionSettings,
} from 'kysely';

type Options = { readonly signal?: AbortSignal | undefined };

/** Sends one of the statements for savepoints. */
export type SendSavepoint = NonNullable<Driver['savepoint']>;

/** What a savepoint is sent for. */
export type SavepointVerb = 'savepoint' | 'rollback' | 'release';

/** A dialect that is another one, but for what stands around its driver. */
export class ForwardingDialect implements Dialect {
  readonly #inner: Dialect;
  readonly #around: (driver: Driver) => Driver;

  /**
   * @param inner the dialect
   * @param around makes the driver, around that of the dialect
   */
  constructor(inner: Dialect, around: (driver: Driver) => Driver) {
    this.#inner = inner;
    this.#around = around;
  }

  createDriver(): Driver {
    return this.#around(this.#inner.createDriver());
  }

  createQueryCompiler(): QueryCompiler {
    return this.#inner.createQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return this.#inner.createAdapter();
  }

  createIntrospector(
    db: Parameters<Dialect['createIntrospector']>[0],
  ): ReturnType<Dialect['createIntrospector']> {
    return this.#inner.createIntrospector(db);
  }
}

/** Passes every call on to a driver; whoever extends it says what is done otherwise. */
export abstract class ForwardingDriver implements Driver {
  protected readonly inner: Driver;

  // Kysely looks at whether these exist, so they exist only where the driver has them.
  readonly savepoint?: SendSavepoint;
  readonly rollbackToSavepoint?: SendSavepoint;
  readonly releaseSavepoint?: SendSavepoint;

  /**
   * @param inner the driver
   * @param around what stands around the statements for savepoints
   */
  constructor(inner: Driver, around: (send: SendSavepoint, verb: SavepointVerb) => SendSavepoint) {
    this.inner = inner;
    if (inner.savepoint) this.savepoint = around(inner.savepoint.bind(inner), 'savepoint');
    if (inner.rollbackToSavepoint)
      this.rollbackToSavepoint = around(inner.rollbackToSavepoint.bind(inner), 'rollback');
    if (inner.releaseSavepoint) this.releaseSavepoint = around(inner.releaseSavepoint.bind(inner), 'release');
  }

  init(options?: Options): Promise<void> {
    return this.inner.init(options);
  }

  acquireConnection(options?: Options): Promise<DatabaseConnection> {
    return this.inner.acquireConnection(options);
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return this.inner.beginTransaction(connection, settings);
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.inner.commitTransaction(connection);
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.inner.rollbackTransaction(connection);
  }

  releaseConnection(connection: DatabaseConnection, options?: Options): Promise<void> {
    return this.inner.releaseConnection(connection, options);
  }

  destroy(options?: Options): Promise<void> {
    return this.inner.destroy(options);
  }
}
