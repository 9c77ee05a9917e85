import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
} from 'kysely';
import { LeasingDriver } from '../leasing-driver.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import type { SqliteLane } from './sqlite-lane.ts';

/** Kysely's SQLite dialect on our lane, with transactional DDL. */
export class SqliteDialect implements Dialect {
  readonly #lane: SqliteLane;

  constructor(lane: SqliteLane) {
    this.#lane = lane;
  }

  createDriver(): Driver {
    const lane = this.#lane;
    return new LeasingDriver({
      async lend(signal) {
        await lane.acquire(signal);
        return new SqliteConnection(lane);
      },
      close: (deadline) => lane.close(deadline),
    });
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): DialectAdapter {
    return new LaneAdapter();
  }

  createIntrospector(db: Kysely<any>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class LaneAdapter extends SqliteAdapter {
  // The lane queues by itself, with a deadline; Kysely's own mutex in front of it has none.
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  // Kysely says false, so that a failing migration leaves half a schema; SQLite does roll DDL back.
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}
