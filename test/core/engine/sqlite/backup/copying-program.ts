/**
 * Makes a backup or restores one, and kills itself at one of its calls of the file system.
 * Arguments: `backup` or `restore`, the database, the backup, and before or after which call it dies, counted by
 * halves from 1; 0 never dies by itself. It says `begin`, then `done` and how many halves there were.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const [, , verb = '', database = '', file = '', dieAt = '0'] = process.argv;
let halves = 0;

function pass(): void {
  halves += 1;
  if (halves === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
}

type Call = (...args: never[]) => Promise<unknown>;
const calls = fs as unknown as Record<string, Call>;
for (const name of ['open', 'link', 'rename', 'rm', 'chmod']) {
  const call = calls[name] as Call;
  calls[name] = async (...args) => {
    pass();
    const result = await call(...args);
    pass();
    return result;
  };
}
syncBuiltinESMExports();

// Behind the change, so that the library finds it.
const { DatabaseProviderFactory } = await import('../../../../../src/core/index.ts');
console.log('begin');
if (verb === 'restore') {
  await DatabaseProviderFactory.restoreBackup(`sqlite:${database}`, file);
} else {
  await using provider = DatabaseProviderFactory.createProvider(`sqlite:${database}`);
  await provider.backup(file, { overwrite: true });
}
console.log(`done ${halves}`);
