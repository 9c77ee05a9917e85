import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ContenderName } from './contender-list.ts';
import type { ContenderOptions } from './contender.ts';
import { ContenderHandle } from './harness/contender-handle.ts';
import { openDatabases } from './harness/databases.ts';
import { measureTask } from './harness/measure-pairs.ts';
import { formatSpread } from './report/targets.ts';
import { toTable } from './report/table.ts';
import { messagesPerThread, type ChatScale } from './workload/chat-data.ts';
import { tasks } from './workload/tasks.ts';

export interface GrowthOptions {
  readonly engine: ContenderOptions['engine'];
  /** Numbers of messages, multiples of 1,000, the smallest first. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly duration: number;
  readonly say: (line: string) => void;
}

/** A process, and the size of its database. */
type Sized = [size: string, handle: ContenderHandle];

/** The sizes that the targets name. */
export const defaultSizes: readonly number[] = [1_000, 100_000, 10_000_000];

/** By key, a page, and an append. */
const watched = ['key', 'page', 'transaction'];
const contenders: readonly ContenderName[] = ['raw', 'liminal-prepared'];
const threadsPerUser = 50;

/**
 * How cost grows with the number of messages: the same calls on databases of several sizes, in interleaved
 * pairs with the smallest. Flat means that nothing reads more rows than it gives.
 *
 * SQLite files are kept in `bench/.data`, since ten million messages take their time.
 *
 * @returns a table in Markdown
 */
export async function measureGrowth(options: GrowthOptions): Promise<string> {
  const { engine, sizes, say } = options;
  await using stack = new AsyncDisposableStack();
  const handles = new Map<ContenderName, Map<string, ContenderHandle>>(
    contenders.map((contender) => [contender, new Map()]),
  );
  const heads: string[] = [];
  for (const size of sizes) {
    const title = size.toLocaleString('en-US');
    say(`${engine}: ${title} messages`);
    const scale = scaleOf(size);
    const databases = stack.use(await openDatabases(engine, scale, findKeptFile(size)));
    heads.push(`${title} (${(databases.size / 2 ** 20).toFixed(1)} MiB)`);
    for (const contender of contenders) {
      const job = { contender, options: await databases.copy('normal'), scale };
      handles.get(contender)!.set(title, stack.use(await ContenderHandle.start(job)));
    }
  }
  const rows: string[][] = [];
  for (const task of tasks.filter(({ name }) => watched.includes(name))) {
    for (const [contender, bySize] of handles) {
      const [[, smallest], ...larger] = [...bySize] as [Sized, ...Sized[]];
      say(`${engine}: ${task.title}, ${contender}`);
      const { raw, measurements } = await measureTask(task, smallest, new Map(larger), options);
      rows.push([
        task.title,
        contender,
        `${raw.median.toFixed(1)} µs`,
        ...measurements.map(({ ratio, time }) => `${time.median.toFixed(1)} µs: ${formatSpread(ratio)}`),
      ]);
    }
  }
  return toTable([engine, 'who', ...heads], rows);
}

function scaleOf(messages: number): ChatScale {
  const threads = messages / messagesPerThread;
  return { threads, users: threads / threadsPerUser };
}

function findKeptFile(messages: number): string {
  const folder = fileURLToPath(new URL('.data/growth', import.meta.url));
  mkdirSync(folder, { recursive: true });
  return `${folder}/${messages}.db`;
}
