import {
  IdentifierNode,
  RawNode,
  createQueryId,
  type DatabaseConnection,
  type Driver,
  type QueryCompiler,
  type TransactionSettings,
} from 'kysely';
import { GuardedLease } from './guarded-lease.ts';
import type { Lease } from './lease.ts';
import { TransactionStanding } from './transaction-standing.ts';

type Compile = QueryCompiler['compileQuery'];

/** Where leases come from. */
export interface LeaseSource {
  /** @param signal ends the wait; the lease is then nobody's */
  lend(signal: AbortSignal | undefined): Promise<Lease>;
  /** @param deadline in ms from now */
  close(deadline: number): Promise<void>;
}

const closeDeadline = 10_000;

/**
 * A driver for Kysely on leases. It adds the statements for savepoints, and guards each lease: no statement
 * runs behind the end of its transaction, and a stream has a chunk size from 1.
 *
 * A statement that fails aborts its transaction, whatever the database itself would do: until a rollback to a
 * savepoint all that follows is a TransactionAbortedError with the first failure as its cause, and COMMIT rolls back.
 * SQL of the caller's that begins or ends a transaction inside of one is a QueryError; of a text that holds several
 * statements it sees the first alone.
 */
export class LeasingDriver implements Driver {
  readonly #source: LeaseSource;

  /** @param source where the leases come from */
  constructor(source: LeaseSource) {
    this.#source = source;
  }

  async init(): Promise<void> {}

  async acquireConnection(options?: {
    readonly signal?: AbortSignal | undefined;
  }): Promise<DatabaseConnection> {
    return new GuardedLease(await this.#source.lend(options?.signal), new TransactionStanding());
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
