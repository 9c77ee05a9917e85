import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ContenderOptions } from '../contender.ts';
import { spreadOf, type Spread } from '../harness/statistics.ts';
import { messageId } from '../workload/chat-data.ts';

const program = fileURLToPath(new URL('./first-row.ts', import.meta.url));
/** Those that have a cold start of their own in `first-row.ts`. */
const coldContenders = ['raw', 'kysely', 'liminal-kysely', 'liminal-prepared'] as const;

/** What a fresh process is started with. */
export interface ColdStartJob {
  readonly contender: (typeof coldContenders)[number];
  readonly options: ContenderOptions;
  readonly id: string;
}

/** From the first import to the first row, in ms. */
export interface ColdStart {
  readonly contender: ColdStartJob['contender'];
  readonly time: Spread;
}

/**
 * Starts fresh processes in turn, one after the other. The files lie in the page cache after the first; the
 * compiler begins anew each time.
 *
 * @param names who is measured, as far as they have a cold start
 * @param options a database that only this measurement uses
 */
export async function measureColdStart(
  names: readonly string[],
  options: ContenderOptions,
  rounds: number,
): Promise<ColdStart[]> {
  const contenders = coldContenders.filter((contender) => names.includes(contender));
  const times = new Map(contenders.map((contender) => [contender, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const contender of contenders) {
      const time = await startOnce({ contender, options, id: messageId(round) });
      if (round > 0) times.get(contender)!.push(time);
    }
  }
  return [...times].map(([contender, measured]) => ({ contender, time: spreadOf(measured) }));
}

async function startOnce(job: ColdStartJob): Promise<number> {
  // Without a cache of compiled code, which an application has only where it asks for one.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const child = fork(program, [JSON.stringify(job)], { env });
  const ended = once(child, 'exit');
  const [time] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => {
      throw new Error(`A cold start of ${job.contender} ended with ${code}.`);
    }),
  ])) as [number];
  await ended;
  return time;
}
