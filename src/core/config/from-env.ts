import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { readSecretFile, readTextFile, SecretFileFault } from '../foundation/secret-file.ts';
import type { DatabaseConfig } from './database-config.ts';
import type { EngineConfig } from './engine-config.ts';
import {
  environmentVariables,
  replicaVariable,
  variablesWithFile,
  type EnvironmentVariable,
} from './environment-variables.ts';
import { parseDatabaseConfig } from './parse-database-config.ts';
import { sqliteConfig } from './sqlite-config.ts';
import { TextSetting } from './text-setting.ts';

/** The database where nothing is said: a file, relative to the working directory. @internal but for the test of the docs */
export const defaultFilename = './data/liminal.db';

/** Environment variables, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of an environment, by their variables. */
type Settings = ReadonlyMap<EnvironmentVariable, TextSetting>;

/**
 * Makes a configuration of the `DATABASE_…` variables that docs/configuration.md lists, and of those alone:
 * others that begin alike belong to other programs. It reads no `.env` file (Node's `--env-file` does).
 *
 * Where no variable says which database, it is SQLite in `./data/liminal.db`. `DATABASE_URL`,
 * `DATABASE_PASSWORD`, `DATABASE_TLS_CA` and `DATABASE_URL_REPLICA_n` may be given as the name of a file, in the
 * same variable with `_FILE` behind it; one newline at the file's end is not part of the value. A file with a
 * secret may be read by its owner and its group alone.
 *
 * @param env the variables; those of the process by default
 * @param engines which engines there are; SQLite and Postgres by default
 * @returns the configuration, complete and frozen
 * @throws ConfigurationError with every fault, each named after its variable. A variable that is set but
 * empty is a fault: falling back to the default database would look like lost data.
 * @example
 * const provider = DatabaseProviderFactory.createProvider<Tables>(databaseConfigFromEnv());
 */
export function databaseConfigFromEnv(
  env: Environment = process.env,
  engines?: readonly EngineConfig[],
): DatabaseConfig {
  const issues: Issue[] = [];
  const settings = readSettings(env, issues);
  const replicas = readReplicas(env, issues);
  try {
    const config = parseDatabaseConfig(toInput(settings, replicas), engines);
    if (issues.length === 0) return config;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    issues.push(...error.issues.map(nameVariable));
  }
  throw new ConfigurationError(issues);
}

function readSettings(env: Environment, issues: Issue[]): Settings {
  const settings = new Map<EnvironmentVariable, TextSetting>();
  for (const variable of Object.keys(environmentVariables) as EnvironmentVariable[]) {
    const setting = readVariable(variable, variablesWithFile.includes(variable), env, issues);
    if (setting !== undefined) settings.set(variable, setting);
  }
  return settings;
}

/** In the order of their numbers; one that is left out may be a replica that somebody believes to be in use. */
function readReplicas(env: Environment, issues: Issue[]): TextSetting[] {
  const numbers = new Set(
    Object.keys(env).flatMap((name) =>
      env[name] === undefined ? [] : (replicaVariable.exec(name)?.[1] ?? []),
    ),
  );
  const replicas: TextSetting[] = [];
  for (let number = 1; number <= numbers.size; number += 1) {
    const variable = `DATABASE_URL_REPLICA_${number}`;
    if (!numbers.has(String(number))) {
      const message = `is missing, and a DATABASE_URL_REPLICA_n with another number is set; number them from 1 without a gap`;
      issues.push({ path: [variable], message });
      return replicas;
    }
    const setting = readVariable(variable, true, env, issues);
    if (setting !== undefined) replicas.push(setting);
  }
  return replicas;
}

function readVariable(
  variable: string,
  mayBeInFile: boolean,
  env: Environment,
  issues: Issue[],
): TextSetting | undefined {
  const setting = readText(variable, mayBeInFile, env, issues);
  if (setting?.text !== '') return setting;
  issues.push({ path: setting.path, message: 'is set but empty; give it a value or unset it' });
  return undefined;
}

function readText(
  variable: string,
  mayBeInFile: boolean,
  env: Environment,
  issues: Issue[],
): TextSetting | undefined {
  const text = env[variable];
  const twin = `${variable}_FILE`;
  const file = mayBeInFile ? env[twin] : undefined;
  if (file === undefined) return text === undefined ? undefined : new TextSetting(text, [variable]);
  if (text !== undefined) {
    issues.push({ path: [variable], message: `is set, and so is ${twin}; unset one of them` });
    return undefined;
  }
  try {
    return new TextSetting(readSettingFile(variable, file), [twin]);
  } catch (error) {
    if (!(error instanceof SecretFileFault)) throw error;
    issues.push({ path: [twin], message: error.message });
    return undefined;
  }
}

function readSettingFile(variable: string, file: string): string {
  return variable === 'DATABASE_TLS_CA' ? readTextFile(file) : readSecretFile(file);
}

function toInput(settings: Settings, replicas: readonly TextSetting[]): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  const connection: Record<string, unknown> = {};
  const pool: Record<string, unknown> = {};
  for (const [variable, setting] of settings) {
    const [first, second] = environmentVariables[variable].split('.') as [string, string?];
    if (second === undefined) input[first] = setting;
    else (first === 'pool' ? pool : connection)[second] = setting;
  }
  if (replicas.length > 0) connection['replicas'] = replicas;
  return { ...input, ...chooseDefault(settings, connection), pool };
}

/** SQLite in a file, unless a variable says otherwise. One that only Postgres has, alone, is a missing type. */
function chooseDefault(settings: Settings, connection: Record<string, unknown>): Record<string, unknown> {
  const type = settings.get('DATABASE_TYPE')?.text;
  const isSqlite =
    type === sqliteConfig.type ||
    (type === undefined && Object.keys(connection).every((field) => sqliteFields.has(field)));
  if (settings.has('DATABASE_URL') || !isSqlite) return { connection };
  return { type: sqliteConfig.type, connection: { filename: defaultFilename, ...connection } };
}

/** What a variable may say of the connection and still mean SQLite. */
const sqliteFields: ReadonlySet<string> = new Set(['filename', 'durability', 'workers']);

/** Faults of what is missing have a path in the configuration; whoever set variables looks for a variable. */
function nameVariable({ path, message }: Issue): Issue {
  const option = path.join('.');
  const variable = Object.entries(environmentVariables).find(([, candidate]) => candidate === option)?.[0];
  return { path: variable === undefined ? path : [variable], message };
}
