import { Kysely, type KyselyPlugin } from 'kysely';
import type { DatabaseConfig } from '../config/database-config.ts';
import { parseDatabaseConfig } from '../config/parse-database-config.ts';
import type { Engine } from '../engine/engine.ts';
import { postgresEngine } from '../engine/postgres/postgres-engine.ts';
import { sqliteEngine } from '../engine/sqlite/sqlite-engine.ts';
import { systemClock, type Clock } from '../foundation/clock.ts';
import { assertNodeVersion } from '../foundation/runtime.ts';
import { silentLogger, type Logger } from '../foundation/logger.ts';
import { DatabaseProvider, type InitializeHook } from './database-provider.ts';
import { createStatementLog } from './statement-log.ts';

/** Everything that a provider may be given beside its configuration. */
export interface ProviderOptions<DB> {
  /** Engines of the application's own, beside the built-in ones. One of them may replace a built-in type. */
  readonly engines?: readonly Engine[];
  /** Kysely plugins. */
  readonly plugins?: readonly KyselyPlugin[];
  /** Where the library reports; silent by default, and the console for `debug: true`. */
  readonly logger?: Logger;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** Runs on `initialize()`, in this order. */
  readonly onInitialize?: readonly InitializeHook<DB>[];
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
  createProvider<DB>(
    config: DatabaseConfig | string | object,
    options: ProviderOptions<DB> = {},
  ): DatabaseProvider<DB> {
    // Again, since a bundler may drop the check that the main door makes when it is loaded.
    assertNodeVersion();
    const { clock = systemClock, logger = silentLogger, plugins = [], onInitialize = [] } = options;
    const engines = [...(options.engines ?? []), ...builtInEngines];
    const parsed = parseDatabaseConfig(
      config,
      engines.map((engine) => engine.config),
    );
    const engine = engines.find((candidate) => candidate.config.type === parsed.type) as Engine;
    const opened = engine.open(parsed, { clock, logger });
    const db = new Kysely<DB>({
      dialect: opened.dialect,
      plugins: [...plugins],
      ...(parsed.debug ? { log: createStatementLog(options.logger) } : {}),
    });
    return new DatabaseProvider({ type: parsed.type, engine: opened, db, clock, hooks: onInitialize });
  },
};
