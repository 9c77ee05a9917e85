import { existsSync } from 'node:fs';
import {
  ConfigurationError,
  DatabaseProviderFactory,
  databaseConfigFromEnv,
  parseDatabaseConfig,
  silentLogger,
  type DatabaseConfig,
  type DatabaseProvider,
} from '../core/index.ts';
import type { LiminalConfig } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';

/** The options that every verb with a database has. */
export interface DatabaseOptions {
  readonly database?: string;
  readonly config?: string;
}

/** Which database a verb works on, and what else the project's configuration says. */
export interface ChosenDatabase {
  readonly database: DatabaseConfig;
  /** Its type and its place, without secrets. */
  readonly label: string;
  readonly project: LiminalConfig;
}

/**
 * Chooses the database: `--database`, else the configuration file, else the environment.
 *
 * @throws ConfigurationError with every fault of the one that counts
 */
export async function chooseDatabase(cli: Cli, options: DatabaseOptions): Promise<ChosenDatabase> {
  const project = await loadConfig(cli.cwd, options.config);
  const given = options.database ?? project.database;
  const database = given === undefined ? databaseConfigFromEnv(cli.env) : parseDatabaseConfig(given);
  return { database, label: describeDatabase(database), project };
}

/** Opens a provider for the time of some work, and closes it whatever happens. */
export async function withProvider<Result>(
  database: DatabaseConfig,
  work: (provider: DatabaseProvider<unknown>) => Promise<Result>,
): Promise<Result> {
  // A verb says itself what happens: slow statements would stand among its errors.
  const options = database.debug ? {} : { logger: silentLogger };
  const provider = DatabaseProviderFactory.createProvider<unknown>(database, options);
  try {
    return await work(provider);
  } finally {
    await provider.close();
  }
}

/**
 * Refuses a database whose file is not there: opening it would make the file and its folder, and a verb that
 * only looks must leave nothing behind. A database in memory and one on a server pass.
 *
 * @throws ConfigurationError where there is no such file
 */
export function requireDatabaseFile({ connection }: DatabaseConfig): void {
  const { filename, memory } = connection as { readonly filename?: string; readonly memory?: boolean };
  if (filename === undefined || memory === true || existsSync(filename)) return;
  throw new ConfigurationError(
    `There is no database file ${filename}. Mend the path, or let "migrate latest" make it.`,
  );
}

/**
 * Names a database by its type and its place. Any engine's connection says its place by some of these
 * members; none of them is secret.
 *
 * @param database the configuration, as it was parsed
 * @returns such as `sqlite ./chat.db` or `postgres localhost:5432/chat`
 */
export function describeDatabase({ type, connection }: DatabaseConfig): string {
  const { filename, host, port, database } = connection as Readonly<
    Record<string, string | number | undefined>
  >;
  const server = host === undefined ? undefined : `${host}:${port}/${database}`;
  const place = filename ?? server;
  return place === undefined ? type : `${type} ${place}`;
}
