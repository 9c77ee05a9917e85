import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { ConfigSection } from './config-section.ts';
import { expandUrl } from './config-url.ts';
import type { DatabaseConfig, PoolConfig } from './database-config.ts';
import { poolOptions, timeoutOptions } from './database-options.ts';
import type { EngineConfig } from './engine-config.ts';
import { pickByType } from './pick-engine.ts';
import { freezeDeep, isPlainObject } from './plain-object.ts';
import { postgresConfig } from './postgres-config.ts';
import { sqliteConfig } from './sqlite-config.ts';

const parsedConfigs = new WeakSet<object>();

/**
 * Checks a configuration as a whole and returns it complete and frozen. It opens nothing, reads no file and
 * no environment variable (see `databaseConfigFromEnv`).
 *
 * @param input a URL (`sqlite:./app.db`, `sqlite::memory:`, `postgres://user@host/name?pool.max=20`), an object
 * `{ type, connection, pool, … }`, an object `{ url, pool, … }` whose other fields add what the URL leaves out,
 * or what this function returned before, which is given back as it is
 * @param engines which engines there are; SQLite and Postgres by default
 * @returns the configuration; secrets in it are `Secret` values, so that printing it shows none
 * @throws ConfigurationError with every fault and its path; it never repeats a value or a part of the URL
 * @example
 * const config = parseDatabaseConfig({ type: 'sqlite', connection: { filename: './app.db' }, debug: true });
 * config.pool.acquireTimeout; // 5000
 */
export function parseDatabaseConfig(
  input: unknown,
  engines: readonly EngineConfig[] = [sqliteConfig, postgresConfig],
): DatabaseConfig {
  if (isParsedFor(input, engines)) return input;
  if (typeof input !== 'string' && !isPlainObject(input)) {
    throw new ConfigurationError(
      'A database configuration is a URL such as sqlite:./app.db, or a plain object.',
    );
  }
  const issues: Issue[] = [];
  const { settings, urlFailed } = expandUrl(input, engines, issues);
  const root = new ConfigSection(settings, [], issues);
  const engine = urlFailed && !root.has('type') ? undefined : pickByType(root, engines);
  const section = root.section('connection');
  const connection = urlFailed ? undefined : engine?.parseConnection(section);
  const config = {
    type: engine?.type ?? '',
    connection: connection ?? {},
    pool: parsePool(root.section('pool'), issues),
    statementTimeout: root.integer('statementTimeout', timeoutOptions.statementTimeout),
    lockTimeout: root.integer('lockTimeout', timeoutOptions.lockTimeout),
    slowQueryThreshold: root.integer('slowQueryThreshold', timeoutOptions.slowQueryThreshold),
    debug: root.boolean('debug', false),
  };
  if (connection !== undefined) section.end();
  // The one that counts was spread out above.
  if (root.value('url') !== undefined) root.fault('url', 'cannot stand inside a URL');
  root.end();
  if (issues.length > 0) throw new ConfigurationError(issues);
  freezeDeep(config);
  parsedConfigs.add(config);
  return config;
}

function isParsedFor(input: unknown, engines: readonly EngineConfig[]): input is DatabaseConfig {
  if (typeof input !== 'object' || input === null || !parsedConfigs.has(input)) return false;
  return engines.some((engine) => engine.type === (input as DatabaseConfig).type);
}

function parsePool(section: ConfigSection, issues: readonly Issue[]): PoolConfig {
  const faultsBefore = issues.length;
  const pool: PoolConfig = {
    min: section.integer('min', poolOptions.min),
    max: section.integer('max', poolOptions.max),
    acquireTimeout: section.integer('acquireTimeout', poolOptions.acquireTimeout),
    idleTimeout: section.integer('idleTimeout', poolOptions.idleTimeout),
    maxLifetime: section.integer('maxLifetime', poolOptions.maxLifetime),
    maxWaiting: section.integer('maxWaiting', poolOptions.maxWaiting),
    leakThreshold: section.integer('leakThreshold', poolOptions.leakThreshold),
  };
  if (issues.length === faultsBefore && pool.min > pool.max)
    section.fault('min', `must not be above pool.max, which is ${poolOptions.max.default} by default`);
  section.end();
  return pool;
}
