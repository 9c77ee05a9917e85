import type { Kysely, KyselyPlugin } from 'kysely';
import type { DatabaseConfigInput } from '../config/database-config-input.ts';
import type { DatabaseConfig } from '../config/database-config.ts';
import { parseDatabaseConfig } from '../config/parse-database-config.ts';
import type { RestoreOptions, RestoreReport } from '../engine/backup.ts';
import type { DirectExecutor } from '../engine/direct-executor.ts';
import type { Engine, OpenEngine } from '../engine/engine.ts';
import type { SchemaGuard } from '../engine/schema-guard.ts';
import { postgresEngine } from '../engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../engine/sqlite/sqlite-engine.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { assertNodeVersion } from '../foundation/runtime.ts';
import { silentLogger } from '../foundation/logger.ts';
import { silentPoolListener, type PoolListener } from '../foundation/pool-event.ts';
import { watchDatabase, type Telemetry } from '../foundation/telemetry.ts';
import { createLoopBlockLog } from '../metrics/loop-block-log.ts';
import { DatabaseProvider, type InitializeHook } from './database-provider.ts';
import { ObservedExecutor } from './observed-executor.ts';
import { DatabaseRecovery } from './database-recovery.ts';
import { poolListenerOf } from './pool-listener.ts';
import { ProviderKysely } from './provider-kysely.ts';
import { RetryingExecutor } from './retrying-executor.ts';
import { statementAudienceOf, type StatementAudienceOptions } from './statement-audience.ts';
import { StatementObserver } from './statement-observer.ts';
import { TracedDialect } from './traced-dialect.ts';
import { TracedExecutor } from './traced-executor.ts';
import { TrackedDialect } from './tracked-dialect.ts';
import { TrackedExecutor } from './tracked-executor.ts';
import type { TrackedDatabase } from './transaction-context.ts';
import { Transactions } from './transactions.ts';
import { WatchedDialect } from './watched-dialect.ts';
import { WatchedExecutor } from './watched-executor.ts';
import { WriteWatch, bindWriteWatch } from './write-watch.ts';

/** Everything that a provider may be given beside its configuration. */
export interface ProviderOptions<DB> extends StatementAudienceOptions {
  /** Engines of the application's own, beside the built-in ones. One of them may replace a built-in type. */
  readonly engines?: readonly Engine[];
  /** Kysely plugins. */
  readonly plugins?: readonly KyselyPlugin[];
  /** Makes spans and figures for OpenTelemetry: what `createTelemetry` of `liminal-data/metrics` made. */
  readonly telemetry?: Telemetry | undefined;
  /** Hears what happens in the pool: connections opened and closed, time-outs, leaks. */
  readonly onPoolEvent?: PoolListener;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Answers for the schema on `initialize()`: what `guardSchema` of `liminal-data/migrate` returned. */
  readonly schema?: SchemaGuard;
  /** Runs on `initialize()`, in this order. */
  readonly onInitialize?: readonly InitializeHook<DB>[];
}

/** Where `restoreBackup` gets what it needs from. */
export interface RestoreBackupOptions extends RestoreOptions {
  /** Engines of the application's own, beside the built-in ones. */
  readonly engines?: readonly Engine[];
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

const builtInEngines: readonly Engine[] = [sqliteEngine, postgresEngine];

/** Picks the engine that a configuration asks for. Holds no state: any number of providers live side by side. */
export const DatabaseProviderFactory = {
  /**
   * Makes a provider. Synchronous; opens nothing.
   *
   * @param config a URL, an object, or what `parseDatabaseConfig` returned
   * @param options engines, plugins, logger, clock and hooks from outside
   * @returns the provider, whose first query connects
   * @throws ConfigurationError with every fault of the configuration
   * @example
   * const provider = DatabaseProviderFactory.createProvider<Tables>('postgres://app@localhost/app');
   */
  createProvider<DB>(config: DatabaseConfigInput, options: ProviderOptions<DB> = {}): DatabaseProvider<DB> {
    // Again, since a bundler may drop the check that the main door makes when it is loaded.
    assertNodeVersion();
    const { clock = systemClock, logger = silentLogger, plugins = [], onInitialize = [] } = options;
    const onPoolEvent = poolListenerOf(options);
    const { engine, parsed } = pickEngine(config, options.engines);
    const telemetry = options.telemetry?.[watchDatabase]({
      ...(engine.config.placeOf?.(parsed.connection) ?? { system: parsed.type }),
      stats: () => opened.stats(),
    });
    const opened = engine.open(parsed, {
      clock,
      logger,
      onPoolEvent,
      leases: telemetry?.leases,
      onLoopBlock: createLoopBlockLog(logger),
    });
    const audience = statementAudienceOf(options, { config: parsed, engine: opened, clock, telemetry });
    const observer = audience && new StatementObserver(audience, clock);
    const database: TrackedDatabase = {};
    const writes = new WriteWatch(logger);
    const watched = new WatchedDialect(opened.dialect, writes);
    const traced = new TracedDialect(watched, clock, telemetry?.transactions);
    const dialect = new TrackedDialect(traced, database, logger);
    const db = new ProviderKysely<DB>({ dialect, plugins: [...plugins] }, opened, observer);
    const driver = traced.createDriver();
    const recovery = new DatabaseRecovery(db, clock);
    const listener = telemetry?.transactions;
    const provider = new DatabaseProvider({
      transactions: new Transactions<DB>({
        db,
        driver,
        database,
        observer,
        listener,
        clock,
        logger,
        recovery,
      }),
      type: parsed.type,
      engine: opened,
      db,
      // Plugins have to see every result, and nothing that goes directly passes by them.
      direct:
        plugins.length > 0
          ? undefined
          : trackDirect(
              retryReads(
                watchDirect(watchWritesOf(opened.direct, writes), observer, clock),
                opened,
                db,
                parsed,
                {
                  clock,
                  recovery,
                },
              ),
              database,
            ),
      committedReads: watchDirect(opened.committedReads, observer, clock),
      clock,
      logger,
      schema: options.schema,
      hooks: onInitialize,
    });
    bindWriteWatch(provider, writes);
    return provider;
  },

  /**
   * Puts a backup in the place of a database that nobody has open. The backup is copied beside the database and
   * checked first; then one rename swaps them. Killed at any moment it leaves the old database or the new one, never
   * a mixture. The old one is kept under a name that the report tells, unless it is to be thrown away.
   *
   * It cannot see who has a database open that SQLite can no longer read: stop the application first.
   *
   * @param config of the database that is replaced
   * @param file the backup
   * @param options `discardOld`, `onProgress`, `signal`, engines and clock
   * @returns where the database is and where the old one is kept
   * @throws ConfigurationError with every fault of the configuration; or where the backup is not there, nothing can be
   *   written beside the database, or the engine restores nothing: on Postgres the message holds the pg_restore
   *   command to run
   * @throws DatabaseBusyError where another process or provider has the database open
   * @throws CorruptDatabaseError where the backup is no sound database; DiskFullError; and the signal's reason
   * @example
   * const { kept } = await DatabaseProviderFactory.restoreBackup('sqlite:./app.db', './backups/app.db');
   */
  async restoreBackup(
    config: DatabaseConfigInput,
    file: string,
    options: RestoreBackupOptions = {},
  ): Promise<RestoreReport> {
    assertNodeVersion();
    const { engines, clock = systemClock, ...rest } = options;
    const { engine, parsed } = pickEngine(config, engines);
    if (engine.restore === undefined) {
      throw new ConfigurationError(
        `A backup was to be restored, and the engine "${parsed.type}" restores none. Use the tools of its database.`,
      );
    }
    const context = { clock, logger: silentLogger, onPoolEvent: silentPoolListener };
    return engine.restore(parsed, file, context, rest);
  },
};

function pickEngine(
  config: DatabaseConfigInput,
  own: readonly Engine[] = [],
): { readonly engine: Engine; readonly parsed: DatabaseConfig } {
  const engines = [...own, ...builtInEngines];
  const parsed = parseDatabaseConfig(
    config,
    engines.map((engine) => engine.config),
  );
  return { engine: engines.find((candidate) => candidate.config.type === parsed.type) as Engine, parsed };
}

/** Below the retries and whoever listens: there it sees what is really sent. */
function watchWritesOf(direct: DirectExecutor | undefined, writes: WriteWatch): DirectExecutor | undefined {
  return direct && new WatchedExecutor(direct, writes);
}

function retryReads<DB>(
  direct: DirectExecutor | undefined,
  { isRemote = false }: OpenEngine,
  db: Kysely<DB>,
  { pool: { acquireTimeout }, statementTimeout }: DatabaseConfig,
  { clock, recovery }: { readonly clock: Clock; readonly recovery: DatabaseRecovery },
): DirectExecutor | undefined {
  if (direct === undefined || !isRemote) return direct;
  const operationTimeout = statementTimeout === 0 ? 0 : acquireTimeout + statementTimeout;
  return new RetryingExecutor(direct, db, clock, { operationTimeout, recovery });
}

function watchDirect(
  direct: DirectExecutor | undefined,
  observer: StatementObserver | undefined,
  clock: Clock,
): DirectExecutor | undefined {
  if (direct === undefined) return undefined;
  const traced = new TracedExecutor(direct, clock);
  return observer === undefined ? traced : new ObservedExecutor(traced, observer, direct);
}

function trackDirect(
  direct: DirectExecutor | undefined,
  database: TrackedDatabase,
): DirectExecutor | undefined {
  return direct === undefined ? undefined : new TrackedExecutor(direct, database);
}
