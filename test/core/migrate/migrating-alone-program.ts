/** A process of its own in the midst of a migration without a transaction: it says so, and waits for a line. */
import { once } from 'node:events';
import process from 'node:process';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { openUntyped } from './sample-history.ts';

await using provider = openUntyped(process.argv[2] ?? '');
await new Migrator(provider, {
  name: 'alone',
  migrations: [
    {
      name: '0001-alone',
      transaction: false,
      async up() {
        process.stdout.write('inside\n');
        await once(process.stdin, 'data');
      },
      irreversible: 'It does nothing.',
    },
  ],
}).latest();
process.stdout.write('done\n');
process.stdin.destroy();
