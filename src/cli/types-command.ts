import { CommanderError, type Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigurationError, parseDatabaseConfig } from '../core/index.ts';
import { Migrator, type LiminalConfig } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';
import { chooseSets } from './migration-sets.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';
import { compareTypes } from './types/compare-types.ts';
import { readTableTypes } from './types/read-table-types.ts';

interface TypesOptions extends DatabaseOptions {
  readonly out?: string;
  readonly migrated?: boolean;
}

const differingExitCode = 3;

const heading = `/**
 * The tables as Kysely sees them, read from the database. Do not edit: \`liminal-data types generate\` writes this file.
 */`;

/** Adds the verbs `types generate|check`. */
export function addTypesCommand(program: Command, cli: Cli): void {
  const types = program.command('types').description('table interfaces for Kysely, read from the database');
  const add = (name: string, description: string, work: typeof generate): void => {
    types
      .command(name)
      .description(description)
      .option('--out <file>', 'the file of the interfaces; "typesFile" of liminal.config.ts by default')
      .option('--migrated', 'read a new SQLite database in memory on which the migrations have run')
      .action((_, command: Command) => work(cli, command.optsWithGlobals<TypesOptions>()));
  };
  add('generate', 'write the interfaces', generate);
  add('check', 'tell whether the file says what the database does; exit code 3 where it does not', check);
}

async function generate(cli: Cli, options: TypesOptions): Promise<void> {
  const { file, path, types, source } = await read(cli, options);
  const before = await readIfThere(path);
  const isWritten = before === undefined || compareTypes(types, before).length > 0;
  if (isWritten) await write(path, `${heading}\n\n${types.trim()}\n`);
  cli.output.line(isWritten ? `Wrote ${file} from ${source}.` : `${file} is up to date with ${source}.`);
  cli.output.document({ file, source, written: isWritten });
}

async function check(cli: Cli, options: TypesOptions): Promise<void> {
  const { file, path, types, source } = await read(cli, options);
  const before = await readIfThere(path);
  if (before === undefined) {
    throw new ConfigurationError(`There is no file ${file}. Write it with "types generate".`);
  }
  const differences = compareTypes(types, before);
  for (const difference of differences) cli.output.line(difference);
  cli.output.line(
    differences.length === 0
      ? `${file} says what ${source} does.`
      : `${file} differs from ${source}. Write it anew with "types generate".`,
  );
  cli.output.document({ file, source, differences });
  if (differences.length > 0) cli.exitCode = differingExitCode;
}

interface ReadTypes {
  /** As it was named. */
  readonly file: string;
  readonly path: string;
  readonly types: string;
  /** What was read, in words. */
  readonly source: string;
}

async function read(cli: Cli, options: TypesOptions): Promise<ReadTypes> {
  const found = options.migrated === true ? await readMigrated(cli, options) : await readLive(cli, options);
  const file = chooseFile(options, found.project);
  return { file, path: resolve(cli.cwd, file), source: found.source, types: await found.types() };
}

interface Source {
  readonly project: LiminalConfig;
  readonly source: string;
  types(): Promise<string>;
}

async function readLive(cli: Cli, options: TypesOptions): Promise<Source> {
  const { database, label, project } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  return { project, source: label, types: () => withProvider(database, readTableTypes) };
}

async function readMigrated(cli: Cli, options: TypesOptions): Promise<Source> {
  const project = await loadConfig(cli.cwd, options.config);
  const sets = chooseSets(project.migrations, undefined);
  const types = () =>
    withProvider(parseDatabaseConfig('sqlite::memory:'), async (provider) => {
      for (const set of sets) await new Migrator(provider, set).latest();
      return readTableTypes(provider);
    });
  return { project, source: 'the migrations', types };
}

function chooseFile({ out }: TypesOptions, { typesFile }: LiminalConfig): string {
  const file = out ?? typesFile;
  if (file !== undefined && file !== '') return file;
  throw new CommanderError(
    2,
    'liminal.misuse',
    'no file is named; say it by --out, or as "typesFile" in liminal.config.ts',
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(path, error, 'read');
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw fileError(path, error, 'written');
  }
}

function fileError(path: string, cause: unknown, what: string): ConfigurationError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  return new ConfigurationError(`The file ${path} of table interfaces cannot be ${what} (${code}).`, {
    cause,
  });
}
