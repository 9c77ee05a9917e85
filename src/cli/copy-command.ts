import { CommanderError, type Command } from 'commander';
import type { Cli } from './cli.ts';
import type { CopyCommandOptions } from './copy-databases.ts';

/** Adds the verbs `copy` and `copy verify`. */
export function addCopyCommand(program: Command, cli: Cli): void {
  const copy = program
    .command('copy')
    .description(
      'copy all rows of a database into an empty one of any engine, and prove that they are the same',
    )
    .option('--from <url>', 'the source, which is only read')
    .option('--to <url>', 'the target; nobody else may write to it')
    .option(
      '--migrate',
      'bring a target without tables to the migrations of the source first, by the sets of the configuration file',
    )
    .option('--resume', 'go on with a copy that was broken off')
    .option(
      '--on-bad-row <what>',
      '"stop" with a report of all rows that do not fit, or "quarantine" them',
      'stop',
    )
    .option('--report <file>', 'a new file for the rows that do not fit, one JSON object a line')
    .option('--no-verify', 'leave out the proof at the end')
    .action(async (_, command: Command) => {
      const { copyFromCommandLine } = await import('./copy-databases.ts');
      await copyFromCommandLine(cli, requireSides(command));
    });
  copy
    .command('verify')
    .description('compare two databases: rows and hashes of each table; exit code 3 where they differ')
    .action(async (_, command: Command) => {
      const { verifyFromCommandLine } = await import('./copy-databases.ts');
      await verifyFromCommandLine(cli, requireSides(command));
    });
}

/** Both verbs have them, and a verb below takes them from the one above. */
function requireSides(command: Command): CopyCommandOptions {
  const options = command.optsWithGlobals<Partial<CopyCommandOptions>>();
  const { from, to, onBadRow = 'stop' } = options;
  if (from === undefined || to === undefined) throw misuse('both --from and --to are needed');
  if (onBadRow !== 'stop' && onBadRow !== 'quarantine')
    throw misuse('--on-bad-row must be "stop" or "quarantine"');
  return { ...options, from, to, onBadRow };
}

function misuse(message: string): CommanderError {
  return new CommanderError(2, 'liminal.misuse', message);
}
