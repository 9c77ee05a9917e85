import {
  IdentifierNode,
  RawNode,
  createQueryId,
  type DatabaseConnection,
  type Driver,
  type QueryCompiler,
  type TransactionSettings,
} from 'kysely';

type Compile = QueryCompiler['compileQuery'];

/** A connection, lent once: it runs transactions, and gives itself back. */
export interface Lease extends DatabaseConnection {
  begin(settings: TransactionSettings): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** A second call does nothing. It ends at once where nothing is to be cleaned: after a stream Kysely does not wait for it. */
  release(): Promise<void>;
}

/** Where leases come from. */
export interface LeaseSource {
  lend(signal: AbortSignal | undefined): Promise<Lease>;
  /** @param deadline in ms from now */
  close(deadline: number): Promise<void>;
}

const closeDeadline = 10_000;

/** A driver for Kysely on leases. It adds nothing to them but the statements for savepoints. */
export class LeasingDriver implements Driver {
  readonly #source: LeaseSource;

  constructor(source: LeaseSource) {
    this.#source = source;
  }

  async init(): Promise<void> {}

  acquireConnection(options?: { readonly signal?: AbortSignal | undefined }): Promise<DatabaseConnection> {
    return this.#source.lend(options?.signal);
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return (connection as Lease).begin(settings);
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return (connection as Lease).commit();
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return (connection as Lease).rollback();
  }

  savepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return runNamed(connection, 'savepoint ', name, compile);
  }

  rollbackToSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return runNamed(connection, 'rollback to ', name, compile);
  }

  releaseSavepoint(connection: DatabaseConnection, name: string, compile: Compile): Promise<void> {
    return runNamed(connection, 'release ', name, compile);
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return (connection as Lease).release();
  }

  destroy(): Promise<void> {
    return this.#source.close(closeDeadline);
  }
}

async function runNamed(
  connection: DatabaseConnection,
  verb: string,
  name: string,
  compile: Compile,
): Promise<void> {
  const node = RawNode.createWithChildren([RawNode.createWithSql(verb), IdentifierNode.create(name)]);
  await connection.executeQuery(compile(node, createQueryId()));
}
