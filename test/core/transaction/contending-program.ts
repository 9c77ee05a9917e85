/**
 * A process of its own that counts up a number in a SQLite file: read, then written, in units of work, several at a
 * time. It begins when it is told to, and says what failed and how its event loop fared.
 */
import { once } from 'node:events';
import { DatabaseProviderFactory, UnitOfWork } from '../../../src/core/index.ts';
import { watchEventLoop } from '../../support/event-loop.ts';

export interface Counters {
  counters: { name: string; value: number };
}

/** What the program says at its end. */
export interface ContentionReport {
  readonly done: number;
  /** The class and the message of each error that a unit ended with. */
  readonly failures: readonly string[];
  /** In ms. */
  readonly delayAtP99: number;
}

const [filename = '', units = '0', lanes = '1'] = process.argv.slice(2);
const config = { type: 'sqlite', connection: { filename } } as const;
await using provider = DatabaseProviderFactory.createProvider<Counters>(config);
await provider.initialize();
const unitOfWork = new UnitOfWork(provider);
const failures: string[] = [];
let begun = 0;
let done = 0;

async function work(): Promise<void> {
  while (begun < Number(units)) {
    begun += 1;
    try {
      await unitOfWork.run(async ({ db }) => {
        const { value } = await db.selectFrom('counters').select('value').executeTakeFirstOrThrow();
        await db
          .updateTable('counters')
          .set({ value: value + 1 })
          .execute();
      });
      done += 1;
    } catch (error) {
      failures.push(String(error));
    }
  }
}

console.log('ready');
await once(process.stdin, 'data');
const loop = watchEventLoop();
await Promise.all(Array.from({ length: Number(lanes) }, work));
const report: ContentionReport = { done, failures, delayAtP99: loop.stop(99) };
console.log(JSON.stringify(report));
process.stdin.destroy();
