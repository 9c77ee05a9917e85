import { Command, CommanderError } from 'commander';
import process from 'node:process';
import { LiminalDataError, MigrationError } from '../core/index.ts';
import { addAuditCommand } from './audit-command.ts';
import { addBackupCommands } from './backup-command.ts';
import type { Cli } from './cli.ts';
import { addCopyCommand } from './copy-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { addImportCommand } from './import-command.ts';
import { addImportLegacyCommand } from './import-legacy-command.ts';
import { addKeysCommand } from './keys-command.ts';
import { addMigrateCommand } from './migrate-command.ts';
import { addOutboxCommand } from './outbox-command.ts';
import { Output, type TextStream } from './output.ts';
import { readPackageVersion } from './package-version.ts';
import { addSagaCommand } from './saga-command.ts';
import { addSeedCommand } from './seed-command.ts';
import { addTokensCommand } from './tokens-command.ts';
import { addTypesCommand } from './types-command.ts';

const done = 0;
const failed = 1;
const misused = 2;

/** Where the command line runs. */
export interface CliPlace extends Pick<Cli, 'cwd' | 'env'> {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
}

/**
 * Runs the command line.
 *
 * @param args without the program's own name
 * @param place the process by default
 * @returns the exit code: 0 done, 1 failed or `doctor` has found something, 2 wrong use, 3 where a verb that looks has found something: pending
 *   migrations, a danger that nobody reviewed, drift, types that differ, databases that differ; 4 where an import or a
 *   copy has put something into quarantine. It never rejects.
 */
export async function runCli(
  args: readonly string[],
  { stdout, stderr, cwd, env }: CliPlace = placeOfProcess(),
): Promise<number> {
  const output = new Output({
    json: args.includes('--json'),
    debug: args.includes('--debug'),
    args,
    stdout,
    stderr,
  });
  const cli: Cli = { output, cwd, env, exitCode: done };
  try {
    await createProgram(cli).parseAsync(args, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    return reportError(output, error);
  }
}

function placeOfProcess(): CliPlace {
  const { stdout, stderr, env } = process;
  return { stdout, stderr, cwd: process.cwd(), env };
}

function createProgram(cli: Cli): Command {
  const program = new Command('liminal-data')
    .description(
      'Migrations, backups, seeds, typed tables and imports for liminal-data, on SQLite and Postgres.',
    )
    .version(readPackageVersion())
    .option(
      '--database <url>',
      'the database; else liminal.config.ts says it, else the environment (DATABASE_URL …)',
    )
    .option('--config <file>', 'the configuration file; else liminal.config.ts, .js or .mjs of this folder')
    .option('--json', 'one JSON document on stdout, everything else on stderr')
    .option('--debug', 'the stack of an error')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      // What somebody asked to read: the help or the version.
      writeOut(text) {
        for (const line of text.trimEnd().split('\n')) cli.output.line(line);
        cli.output.document({ text: text.trimEnd() });
      },
      // The error comes back as an exception, and is printed where all others are.
      outputError: () => {},
    });
  addMigrateCommand(program, cli);
  addCopyCommand(program, cli);
  addImportCommand(program, cli);
  addImportLegacyCommand(program, cli);
  addDoctorCommand(program, cli);
  addAuditCommand(program, cli);
  addOutboxCommand(program, cli);
  addSagaCommand(program, cli);
  addBackupCommands(program, cli);
  addKeysCommand(program, cli);
  addTokensCommand(program, cli);
  addSeedCommand(program, cli);
  addTypesCommand(program, cli);
  return program;
}

function reportError(output: Output, error: unknown): number {
  if (!(error instanceof CommanderError)) {
    output.error(describeError(error), error);
    return failed;
  }
  if (error.exitCode === 0) return done;
  if (error.code === 'commander.help') {
    // For people Commander has printed its help already.
    output.document({ error: { code: error.code, message: 'A verb is missing.' } });
  } else {
    output.error(error.message.replace(/^error: /, ''), error);
  }
  return misused;
}

function describeError(error: unknown): string {
  if (error instanceof MigrationError && error.cause instanceof Error) {
    return `${error.message} ${error.cause.message}`;
  }
  if (error instanceof LiminalDataError) return error.message;
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : 'Something was thrown that is no error.';
}
