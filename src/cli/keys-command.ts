import type { Command } from 'commander';
import { generateKey } from '../core/security/index.ts';
import type { Cli } from './cli.ts';
import { addKeyRotation } from './key-rotation-command.ts';

/** Adds the verbs `keys generate|rotate|status|retire`. */
export function addKeysCommand(program: Command, cli: Cli): void {
  const keys = program.command('keys').description('look after the keys that seal values');
  keys
    .command('generate')
    .description('print a new key as id:base64, for LIMINAL_ENCRYPTION_KEY')
    .action(() => printNewKey(cli));
  addKeyRotation(keys, cli);
}

/** It is what was asked for: the one place of the command line that prints a secret. */
function printNewKey({ output }: Cli): void {
  const { id, key } = generateKey();
  output.line(`${id}:${key.reveal()}`);
  output.document({ id, key: key.reveal() });
}
