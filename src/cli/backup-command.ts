import { CommanderError, type Command } from 'commander';
import { existsSync } from 'node:fs';
import {
  DatabaseProviderFactory,
  type BackupProgress,
  type BackupReport,
  type DatabaseConfig,
  type DatabaseProvider,
} from '../core/index.ts';
import { nameBackup } from './backup-name.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';
import { createProgress, type Progress } from './progress.ts';

interface BackupCommandOptions extends DatabaseOptions {
  readonly overwrite?: boolean;
}

interface RestoreCommandOptions extends DatabaseOptions {
  readonly discardOld?: boolean;
  readonly yes?: boolean;
}

/** Adds the verbs `backup` and `restore`. */
export function addBackupCommands(program: Command, cli: Cli): void {
  program
    .command('backup')
    .description('copy a SQLite database into a file while it is used')
    .argument('[file]', 'where the backup goes; beside the database, with the time in its name, by default')
    .option('--overwrite', 'replace a file that has the name already')
    .action((file: string | undefined, _, command: Command) =>
      backUp(cli, command.optsWithGlobals<BackupCommandOptions>(), file),
    );
  program
    .command('restore')
    .description('put a backup in the place of a SQLite database that nobody has open')
    .argument('<file>', 'the backup')
    .option('--yes', 'the database that is there may be replaced')
    .option('--discard-old', 'throw the old database away; it is kept beside the new one by default')
    .action((file: string, _, command: Command) =>
      restore(cli, command.optsWithGlobals<RestoreCommandOptions>(), file),
    );
}

/**
 * Makes a backup beside the database before something is done to it, and says where.
 *
 * @param cli where it is said
 * @param provider of the database
 * @param database its configuration
 * @returns undefined where there is no database yet, or where it lives in memory: there is nothing to save then
 * @throws ConfigurationError where the engine makes no backups
 */
export async function backUpFirst(
  cli: Cli,
  provider: Pick<DatabaseProvider<unknown>, 'backup'>,
  database: DatabaseConfig,
): Promise<BackupReport | undefined> {
  const { filename, isThere } = placeOf(database);
  if (filename !== undefined && !isThere) {
    cli.output.line('There is no database to save yet, so no backup was made.');
    return undefined;
  }
  const report = await showing(cli, (onProgress) =>
    provider.backup(nameBackup(filename ?? 'database', Date.now()), { onProgress }),
  );
  cli.output.line(`Backup: ${report.file}`);
  return report;
}

async function backUp(
  cli: Cli,
  { overwrite = false, ...options }: BackupCommandOptions,
  file: string | undefined,
): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const { filename = 'database' } = placeOf(database);
  const report = await withProvider(database, (provider) =>
    showing(cli, (onProgress) =>
      provider.backup(file ?? nameBackup(filename, Date.now()), { overwrite, onProgress }),
    ),
  );
  cli.output.line(`${label} is saved in ${report.file}: ${report.bytes} bytes.`);
  cli.output.document({ database: label, ...report });
}

async function restore(
  cli: Cli,
  { yes = false, discardOld = false, ...options }: RestoreCommandOptions,
  file: string,
): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  if (placeOf(database).isThere && !yes) {
    throw new CommanderError(
      2,
      'liminal.misuse',
      `the backup would replace ${label}; say --yes where it may. Nothing was changed`,
    );
  }
  const report = await showing(cli, (onProgress) =>
    DatabaseProviderFactory.restoreBackup(database, file, { discardOld, onProgress }),
  );
  cli.output.line(`${label} is restored: ${report.bytes} bytes.`);
  if (report.kept !== undefined) cli.output.line(`The old database is ${report.kept}.`);
  cli.output.document({ database: label, ...report, kept: report.kept ?? null });
}

/** Shows how far the work is, and leaves the line whatever happens. */
async function showing<Result>(
  cli: Cli,
  work: (onProgress: (progress: BackupProgress) => void) => Promise<Result>,
): Promise<Result> {
  let bar: Progress | undefined;
  try {
    return await work(({ stage, done, total }) => {
      bar ??= createProgress({ stream: cli.output.stderr, unit: 'pages', total });
      bar.update(done, stage === 'copy' ? 'copied' : 'copied and being checked');
    });
  } finally {
    bar?.end();
  }
}

function placeOf({ connection }: DatabaseConfig): {
  readonly filename: string | undefined;
  readonly isThere: boolean;
} {
  const { filename, memory = false } = connection as {
    readonly filename?: string;
    readonly memory?: boolean;
  };
  return { filename, isThere: filename !== undefined && !memory && existsSync(filename) };
}
