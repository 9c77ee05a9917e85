import {
  SqliteAdapter,
  SqliteQueryCompiler,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
} from 'kysely';
import { LeasingDriver } from '../leasing-driver.ts';
import { TableIntrospector } from './table-introspector.ts';
import type { SqliteExecutor } from './sqlite-executor.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import { SqliteLease } from './sqlite-lease.ts';

/** Kysely's SQLite dialect on our lanes, with transactional DDL. Only errors of this library leave it. */
export class SqliteDialect implements Dialect {
  readonly #lanes: SqliteLanes;
  readonly #executor: SqliteExecutor;

  constructor(lanes: SqliteLanes, executor: SqliteExecutor) {
    this.#lanes = lanes;
    this.#executor = executor;
  }

  createDriver(): Driver {
    return new LeasingDriver({
      // It takes a connection only once it needs one, so there is nothing to wait for.
      lend: async (signal) => new SqliteLease(this.#lanes, this.#executor, signal),
      close: (deadline) => this.#lanes.close(deadline),
    });
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new LaneAdapter();
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new TableIntrospector(db);
  }
}

class LaneAdapter extends SqliteAdapter {
  // The lanes queue by themselves, with a deadline; Kysely's own mutex in front of them has none.
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  // Kysely says false, so that a failing migration leaves half a schema; SQLite does roll DDL back.
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
