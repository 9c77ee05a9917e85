/**
 * A process of its own that runs one saga of five steps. It counts the points at which it can be killed, one
 * before and one behind each durable write and each effect, and kills itself at the one that it was told; or
 * it holds at a step until it is told to go on.
 */
import { once } from 'node:events';
import process from 'node:process';
import { SagaRunner } from '../../../../src/core/index.ts';
import { openSagaDatabase } from './saga-harness.ts';
import { sagaOfFive } from './saga-of-five.ts';

export interface SagaProgramPlan {
  readonly url: string;
  readonly id: string;
  readonly fails: boolean;
  readonly leaseDuration: number;
  /** Counted from 1; where it is left out or too large, the saga comes to its end. */
  readonly killAt?: number;
  /** The point at which it says `holding` and waits for a line. */
  readonly holdAt?: string;
}

const plan = JSON.parse(process.argv[2] ?? '') as SagaProgramPlan;
let points = 0;

async function point(name: string): Promise<void> {
  points += 1;
  if (points === plan.killAt) process.kill(process.pid, 'SIGKILL');
  if (name !== plan.holdAt) return;
  console.log('holding');
  await once(process.stdin, 'data');
}

const provider = openSagaDatabase(plan.url);
const journal: Pick<typeof provider, 'db' | 'transaction'> = {
  db: provider.db,
  async transaction(work) {
    await point('before a write');
    const result = await provider.transaction(work);
    await point('behind a write');
    return result;
  },
};
const saga = sagaOfFive(provider, point);
const runner = new SagaRunner(journal, { sagas: [saga], leaseDuration: plan.leaseDuration });
try {
  await runner.run(saga, { fails: plan.fails }, { id: plan.id });
  console.log('completed');
} catch (error) {
  console.log((error as Error).name);
}
console.log(String(points));
await runner.close();
await provider.close();
process.stdin.destroy();
