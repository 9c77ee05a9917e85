/** Makes the handle that a migration of a plan is given: it looks like the real one, and records what it is sent. */
import {
  DefaultQueryExecutor,
  Kysely,
  Transaction,
  type ConnectionProvider,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type KyselyProps,
  type QueryCompiler,
} from 'kysely';
import type { PlanRecorder } from './plan-recorder.ts';

/**
 * Makes a handle over a plan's transaction.
 *
 * @param trx the plan's transaction
 * @param recorder hears of each statement before it goes there
 * @param isTransaction whether the migration expects a transaction; without one it may begin its own, which become
 *   savepoints of the plan's
 */
export function makeRecordingHandle(
  trx: Transaction<any>,
  recorder: PlanRecorder,
  isTransaction: boolean,
): Kysely<any> {
  const props = propsOf(trx, new SavepointDriver(recorder), {
    provideConnection: (consumer) =>
      trx.getExecutor().provideConnection((connection) => consumer(recorder.wrap(connection))),
  });
  return isTransaction ? new Transaction<any>(props) : new Kysely<any>(props);
}

/** Makes a handle that goes to one connection, past whoever waits for it. */
export function makePlainHandle(
  trx: Transaction<any>,
  recorder: PlanRecorder,
  connection: DatabaseConnection,
): Kysely<any> {
  const provider: ConnectionProvider = { provideConnection: (consumer) => consumer(connection) };
  return new Transaction<any>(propsOf(trx, new SavepointDriver(recorder), provider));
}

function propsOf(trx: Transaction<any>, driver: Driver, connections: ConnectionProvider): KyselyProps {
  const inner = trx.getExecutor();
  const compiler: QueryCompiler = { compileQuery: (node, id) => inner.compileQuery(node, id) };
  const executor = new DefaultQueryExecutor(compiler, inner.adapter, connections, [...inner.plugins]);
  const dialect: Dialect = {
    createDriver: () => driver,
    createQueryCompiler: () => compiler,
    createAdapter: () => inner.adapter,
    // Questions after the schema are no part of what a migration does.
    createIntrospector: () => trx.introspection,
  };
  return { config: { dialect }, dialect, driver, executor };
}

/** Takes a transaction in a transaction for a savepoint. */
class SavepointDriver implements Driver {
  readonly #recorder: PlanRecorder;
  #depth = 0;

  constructor(recorder: PlanRecorder) {
    this.#recorder = recorder;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    throw new Error('A plan has one connection, and its executor lends it.');
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#depth += 1;
    await this.#recorder.sendUnrecorded(connection, `savepoint ${this.#name}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#recorder.sendUnrecorded(connection, `release savepoint ${this.#name}`);
    this.#depth -= 1;
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await this.#recorder.sendUnrecorded(connection, `rollback to savepoint ${this.#name}`);
    this.#depth -= 1;
  }

  savepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#recorder.sendUnrecorded(connection, `savepoint ${quote(name)}`);
  }

  rollbackToSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#recorder.sendUnrecorded(connection, `rollback to ${quote(name)}`);
  }

  releaseSavepoint(connection: DatabaseConnection, name: string): Promise<void> {
    return this.#recorder.sendUnrecorded(connection, `release ${quote(name)}`);
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}

  get #name(): string {
    return `liminal_plan_${this.#depth}`;
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
