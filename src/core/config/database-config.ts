/** How connections are kept and lent. All times in ms. */
export interface PoolConfig {
  /** Connections kept open when idle. From 0 to `max`; 0 by default. */
  readonly min: number;
  /** The most open connections. From 1 to 10,000; 10 by default. */
  readonly max: number;
  /** The longest wait for a connection. From 1 ms to 1 h; 5,000 by default. */
  readonly acquireTimeout: number;
  /** How long an idle connection above `min` is kept. From 0 (for ever) to 24 h; 600,000 by default. */
  readonly idleTimeout: number;
  /** How old a connection may become. From 0 (for ever) to 24 h; 1,800,000 by default. */
  readonly maxLifetime: number;
  /** The most callers that may wait at once. From 0 to 1,000,000; 1,000 by default. */
  readonly maxWaiting: number;
  /** How long a connection may be held before it is reported as a leak. From 0 (never) to 24 h; 0 by default: each acquire then takes a stack, which costs microseconds. */
  readonly leakThreshold: number;
}

/**
 * A complete, checked and frozen configuration. It is made by `parseDatabaseConfig` alone. Secrets in it
 * are `Secret` values, so that printing it shows none.
 */
export interface DatabaseConfig<Type extends string = string, Connection extends object = object> {
  /** Which engine: `sqlite`, `postgres`, or the type of an engine that the application brings. */
  readonly type: Type;
  /** Where the database is; what it holds depends on the engine. */
  readonly connection: Readonly<Connection>;
  /** How connections are kept and lent. */
  readonly pool: PoolConfig;
  /** The longest a statement may run, in ms. From 0 (no limit) to 24 h; 30,000 by default. SQLite cannot cancel a running one. */
  readonly statementTimeout: number;
  /** The longest wait for a lock that somebody else holds, in ms. From 0 (do not wait) to 1 h; 10,000 by default. */
  readonly lockTimeout: number;
  /** From how long on a statement is logged as slow, in ms. From 0 (never) to 24 h; 100 by default. */
  readonly slowQueryThreshold: number;
  /** Whether every statement is logged with its duration, without its parameters. False by default. */
  readonly debug: boolean;
}
