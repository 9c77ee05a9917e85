import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { addLookVerbs } from './migrate-look.ts';
import { addMendVerbs } from './migrate-mend.ts';
import { addRunVerbs } from './migrate-run.ts';
import { collect } from './migration-sets.ts';

/** Adds the verbs of `migrate`. */
export function addMigrateCommand(program: Command, cli: Cli): void {
  const migrate = program.command('migrate').description('bring the database to a place in its history');
  const add = (usage: string, description: string): Command =>
    migrate
      .command(usage)
      .description(description)
      .option(
        '--set <name>',
        'a migration set, several times for several; else all, in their order',
        collect,
      );
  addRunVerbs(cli, add);
  addLookVerbs(cli, add);
  addMendVerbs(cli, migrate, add);
}
