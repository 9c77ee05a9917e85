import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import type { ImportLegacyOptions } from './import-legacy.ts';
import { collect } from './migration-sets.ts';

/** Adds the verb `import-legacy`. */
export function addImportLegacyCommand(program: Command, cli: Cli): void {
  program
    .command('import-legacy')
    .description(
      'bring the chat store up to date and import databases of the Liminal Type Chat application, in which threads are JSON texts; run again, it goes on where it was ended',
    )
    .requiredOption(
      '--from <file>',
      'a database to import, which is only read; may be given several times',
      collect,
    )
    .option('--legacy-key-file <file>', 'a file with the key of that application, in base64')
    .option('--without-keys', 'leave out the API keys, where there is no key that opens them')
    .option('--into-existing', 'the database may hold rows of the chat store already')
    .option('--dry-run', 'import into a scratch database and report; the database itself is not opened')
    .option('--report <file>', 'a new file for what was not taken just as it was, one JSON object a line')
    .option(
      '--state <folder>',
      'where the snapshots are kept until the end; beside the database file by default, else here',
    )
    .action(async (_, command: Command) => {
      // Loaded here, so that the other verbs do not wait for the chat store.
      const { importLegacyDatabases } = await import('./import-legacy.ts');
      await importLegacyDatabases(cli, command.optsWithGlobals<ImportLegacyOptions>());
    });
}
