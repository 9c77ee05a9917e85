/**
 * A third engine, built as a stranger would build one: on the public doors alone, with a driver that the
 * library has never heard of (Node's own SQLite). It proves that an engine is a value.
 */
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import {
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type CompiledQuery,
  type Dialect,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  LeaseLedger,
  LeasingDriver,
  NotNullViolationError,
  PoolClosedError,
  QueryError,
  ReadOnlyDatabaseError,
  Semaphore,
  TranslatingDialect,
  UniqueViolationError,
  UnsafeIntegerError,
  checkParameter,
  type Engine,
  type Lease,
  type LiminalDataError,
  type PoolStats,
} from '../../src/core/index.ts';
import { sqliteMigrations, sqliteVocabulary } from '../../src/core/engine/sqlite/index.ts';

interface NodeSqliteConnection {
  readonly filename: string;
}

export const nodeSqliteEngine: Engine<'node-sqlite', NodeSqliteConnection> = {
  config: {
    type: 'node-sqlite',
    schemes: ['node-sqlite'],
    fromUrl: (url) => ({ connection: { filename: url.slice(url.indexOf(':') + 1) } }),
    parseConnection: (section) => ({ filename: section.string('filename') ?? ':memory:' }),
  },
  open(config, { clock, logger, onPoolEvent }) {
    const { acquireTimeout, maxWaiting, leakThreshold } = config.pool;
    const ledger = new LeaseLedger({ leakThreshold, clock, logger, onPoolEvent });
    let state: PoolStats['state'] = 'running';
    let database: DatabaseSync | undefined;
    let opened = 0;
    let lent = 0;
    const stats = (): PoolStats => {
      const { held, ...waits } = turns.stats();
      const size = database === undefined ? 0 : 1;
      const busy = Math.min(size, held);
      return {
        state,
        ...ledger.stats(),
        ...ledger.totals(),
        ...waits,
        size,
        busy,
        idle: size - busy,
        max: 1,
        acquired: lent,
        created: opened,
        retired: opened - size,
      };
    };
    const turns = new Semaphore({
      permits: 1,
      acquireTimeout,
      maxWaiting,
      clock,
      poolStats: stats,
      onPoolEvent,
    });
    const open = () => {
      if (database !== undefined) return;
      database = new DatabaseSync(config.connection.filename, { enableForeignKeyConstraints: true });
      opened += 1;
      onPoolEvent({ type: 'created' });
    };
    const use = () => {
      if (database === undefined) throw new PoolClosedError('The database is closed.');
      return database;
    };
    let closing: Promise<void> | undefined;
    const close = async (deadline: number) => {
      state = 'draining';
      turns.close();
      await turns.drain(deadline);
      if (database !== undefined) onPoolEvent({ type: 'retired', reason: 'closed' });
      database?.close();
      database = undefined;
      state = 'closed';
    };
    const lend = async (signal: AbortSignal | undefined) => {
      await turns.acquire(signal);
      open();
      const holding = ledger.lend(turns);
      lent += 1;
      return new NodeSqliteLease(use, () => {
        ledger.takeBack(holding);
        turns.release();
      });
    };
    const dialect: Dialect = {
      createDriver: () => new LeasingDriver({ lend, close }),
      createAdapter: () => new OwnQueueAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (db) => new SqliteIntrospector(db),
    };
    return {
      dialect: new TranslatingDialect(dialect, translate),
      sql: sqliteVocabulary,
      migrations: sqliteMigrations,
      stats,
      close: (deadline) => (closing ??= close(deadline)),
    };
  },
};

class OwnQueueAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }

  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class NodeSqliteLease implements Lease {
  readonly #use: () => DatabaseSync;
  readonly #giveBack: () => void;

  constructor(use: () => DatabaseSync, giveBack: () => void) {
    this.#use = use;
    this.#giveBack = giveBack;
  }

  async begin({ accessMode }: TransactionSettings): Promise<void> {
    this.#use().exec(accessMode === 'read only' ? 'pragma query_only = on; begin' : 'begin immediate');
  }

  async commit(): Promise<void> {
    this.#use().exec('commit; pragma query_only = off');
  }

  async rollback(): Promise<void> {
    this.#use().exec('rollback; pragma query_only = off');
  }

  async release(): Promise<void> {
    this.#giveBack();
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const parameters = query.parameters.map((value, index) => {
      checkParameter(value, index + 1);
      return (typeof value === 'boolean' ? Number(value) : value) as SQLInputValue;
    });
    const statement = this.#use().prepare(query.sql);
    if (statement.columns().length > 0) {
      statement.setReadBigInts(true);
      const rows = statement.all(...parameters).map(withNumbers);
      return { rows: rows as Row[], numAffectedRows: BigInt(rows.length) };
    }
    const { changes } = statement.run(...parameters);
    const counts = /^\s*(?:insert|update|delete)/i.test(query.sql);
    return { rows: [], numAffectedRows: counts ? BigInt(changes) : 0n };
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }
}

function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => {
      if (typeof value !== 'bigint') return [column, value];
      if (!Number.isSafeInteger(Number(value))) throw new UnsafeIntegerError(column);
      return [column, Number(value)];
    }),
  );
}

function translate(error: unknown): LiminalDataError {
  const { errcode, message } = error as { errcode?: number; message: string };
  const options = { cause: error };
  const columns = (message.split(': ')[1] ?? '').split(', ').map((path) => path.split('.').at(-1) ?? '');
  switch (errcode) {
    case 2067:
    case 1555:
      return new UniqueViolationError({ table: /: (\w+)\./.exec(message)?.[1], columns }, options);
    case 787:
      return new ForeignKeyViolationError({}, options);
    case 1299:
      return new NotNullViolationError({ table: /: (\w+)\./.exec(message)?.[1], columns }, options);
    case 275:
      return new CheckViolationError({ constraint: message.split(': ')[1] }, options);
    case 8:
      return new ReadOnlyDatabaseError('A write was asked for in a read-only transaction.', options);
    default:
      return new QueryError(`The statement is refused: ${message}`, errcode?.toString(), options);
  }
}
