/** Runs seeds once it is told to. Argument: the URL of the database. It says `ready`, then what it ran. */
import { once } from 'node:events';
import { DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { runSeeds } from '../../../../src/core/migrate/index.ts';
import { sampleSeeds } from './sample-seeds.ts';

const [, , url = ''] = process.argv;
await using provider = DatabaseProviderFactory.createProvider(url);
console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const { ran } = await runSeeds(provider, sampleSeeds);
console.log(ran.map(({ name }) => name).join(' '));
