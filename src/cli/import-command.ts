import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import type { DatabaseOptions } from './open-database.ts';

/** Adds the verb `import`. */
export function addImportCommand(program: Command, cli: Cli): void {
  program
    .command('import')
    .description(
      'bring the chat store up to date and import conversations; those that are there already are passed over',
    )
    .argument('<file>', 'one JSON object a line: { id, services, turns: [{ role, content }] }')
    .action(async (file: string, _, command: Command) => {
      // Loaded here, so that the other verbs do not wait for the chat store.
      const { importConversations } = await import('./import-conversations.ts');
      await importConversations(cli, command.optsWithGlobals<DatabaseOptions>(), file);
    });
}
