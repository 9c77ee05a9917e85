import type { ContenderName } from '../contender-list.ts';
import type { Task } from '../workload/tasks.ts';
import type { ContenderHandle } from './contender-handle.ts';
import type { Round } from './messages.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** Who is measured; `noise` is the raw driver once more, in a process of its own. */
export type Measured = ContenderName | 'noise';

/** A contender's rounds of one task, each beside a round of the raw driver. */
export interface Measurement<Name extends string = Measured> {
  readonly contender: Name;
  /** How often the time of a call of the raw driver its call takes. */
  readonly ratio: Spread;
  /** The same for the 99th percentile of the calls that the task watches; absent where it watches none. */
  readonly p99?: Spread;
  /** Per call, in µs. */
  readonly time: Spread;
}

/** One row of the table. */
export interface TaskResult<Name extends string = Measured> {
  readonly task: string;
  readonly title: string;
  /** A call of the raw driver over all pairs, in µs. */
  readonly raw: Spread;
  readonly measurements: readonly Measurement<Name>[];
}

export interface MeasureOptions {
  readonly rounds: number;
  /** How long one round of one contender shall take, in ms. */
  readonly duration: number;
}

interface Pair {
  readonly raw: Round;
  readonly other: Round;
}

/**
 * Measures a task in interleaved pairs: raw beside the first contender, raw beside the second, and so on, round
 * after round. Machines are never quiet for long, so that a ratio is made of two rounds that lie side by side;
 * who comes first changes each time.
 *
 * @param raw the raw driver's process
 * @param others the processes of all others; who cannot do the task is left out
 */
export async function measureTask<Name extends string>(
  task: Task,
  raw: ContenderHandle,
  others: ReadonlyMap<Name, ContenderHandle>,
  { rounds, duration }: MeasureOptions,
): Promise<TaskResult<Name>> {
  const reference = await findReference(task, raw, duration);
  const runners = new Map<Name, () => Promise<Round>>();
  for (const [name, handle] of others) {
    const calls = await handle.ask({ kind: 'calibrate', task: task.name, duration });
    if (calls > 0) runners.set(name, () => handle.ask({ kind: 'round', task: task.name, calls }));
  }
  const pairs = new Map<Name, Pair[]>([...runners.keys()].map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of runners) {
      pairs.get(name)!.push(await runPair(reference, run, round % 2 === 0));
    }
  }
  return {
    task: task.name,
    title: task.title,
    raw: spreadOf([...pairs.values()].flat().map((pair) => pair.raw.time * 1_000)),
    measurements: [...pairs].map(([contender, rows]) => summarize(contender, rows)),
  };
}

/** A batch is held against what the raw driver has in its place: the transaction. */
async function findReference(
  { name, reference = name }: Task,
  raw: ContenderHandle,
  duration: number,
): Promise<() => Promise<Round>> {
  const calls = await raw.ask({ kind: 'calibrate', task: reference, duration });
  return () => raw.ask({ kind: 'round', task: reference, calls });
}

async function runPair(
  raw: () => Promise<Round>,
  other: () => Promise<Round>,
  rawFirst: boolean,
): Promise<Pair> {
  if (rawFirst) return { raw: await raw(), other: await other() };
  const later = await other();
  return { raw: await raw(), other: later };
}

function summarize<Name extends string>(contender: Name, pairs: readonly Pair[]): Measurement<Name> {
  const p99 = pairs.flatMap(({ raw, other }) =>
    raw.p99 === undefined || other.p99 === undefined ? [] : [other.p99 / raw.p99],
  );
  return {
    contender,
    ratio: spreadOf(pairs.map(({ raw, other }) => other.time / raw.time)),
    time: spreadOf(pairs.map(({ other }) => other.time * 1_000)),
    ...(p99.length > 0 && { p99: spreadOf(p99) }),
  };
}
