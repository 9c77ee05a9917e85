import { findContenders, type ContenderName } from '../contender-list.ts';
import type { ContenderOptions } from '../contender.ts';
import { measureColdStart } from '../cold-start/measure-cold-start.ts';
import type { EngineReport, SuiteReport } from '../report/report.ts';
import { fullScale } from '../workload/chat-data.ts';
import { requireSameAnswers } from '../workload/check-answers.ts';
import { tasks, type Task } from '../workload/tasks.ts';
import { ContenderHandle } from './contender-handle.ts';
import { openDatabases, type Databases } from './databases.ts';
import { measureTask, type Measured, type MeasureOptions, type TaskResult } from './measure-pairs.ts';

export interface RunOptions extends MeasureOptions {
  readonly engine: ContenderOptions['engine'];
  /** Names of tasks; all where empty. */
  readonly tasks: readonly string[];
  /** Names of contenders beside raw; all where empty. */
  readonly contenders: readonly string[];
  readonly coldStarts: number;
  /** Hears what is being done. */
  readonly say: (line: string) => void;
}

/** At FULL a commit waits for the disk, so that little but the number of commits counts. */
const tasksAtFull = ['insert', 'transaction', 'batch', 'unit', 'writes'];

/** Checks all contenders of an engine, then measures them. */
export async function measureEngine(options: RunOptions): Promise<EngineReport> {
  const { engine, say } = options;
  const names = findContenders(engine).filter(
    (name) => name === 'raw' || options.contenders.length === 0 || options.contenders.includes(name),
  );
  const chosen = tasks.filter(({ name }) => options.tasks.length === 0 || options.tasks.includes(name));
  await using databases = await openDatabases(engine, fullScale);
  await checkAnswers(names, databases, say);
  const main = await measureSuite('normal', names, chosen, databases, options);
  const suites = [main.suite];
  const atFull = chosen.filter(({ name }) => tasksAtFull.includes(name));
  if (engine === 'sqlite' && atFull.length > 0) {
    suites.push((await measureSuite('full', names, atFull, databases, options)).suite);
  }
  say(`${engine}: cold start`);
  const coldStart = await measureColdStart(names, await databases.copy('normal'), options.coldStarts);
  return { engine, description: databases.description, suites, memory: main.memory, coldStart };
}

/** Each in a process of its own, which also leaves the compiled code of the contender in Node's cache. */
async function checkAnswers(
  names: readonly ContenderName[],
  databases: Databases,
  say: RunOptions['say'],
): Promise<void> {
  const answers = new Map<string, readonly string[]>();
  for (const contender of names) {
    const options = await databases.copy('normal');
    say(`${options.engine}: the answers of ${contender}`);
    await using handle = await ContenderHandle.start({ contender, options, scale: fullScale });
    answers.set(contender, await handle.ask({ kind: 'answers' }));
  }
  requireSameAnswers(answers);
}

async function measureSuite(
  durability: 'full' | 'normal',
  names: readonly ContenderName[],
  chosen: readonly Task[],
  databases: Databases,
  options: RunOptions,
): Promise<{ suite: SuiteReport; memory: EngineReport['memory'] }> {
  await using stack = new AsyncDisposableStack();
  const start = async (contender: ContenderName) =>
    stack.use(
      await ContenderHandle.start({ contender, options: await databases.copy(durability), scale: fullScale }),
    );
  const raw = await start('raw');
  const others = new Map<Measured, ContenderHandle>([['noise', await start('raw')]]);
  for (const name of names.slice(1)) others.set(name, await start(name));

  const results: TaskResult[] = [];
  for (const task of chosen) {
    options.say(`${options.engine}, ${durability}: ${task.title}`);
    results.push(await measureTask(task, raw, others, options));
  }
  const memory: { contender: Measured; bytes: number }[] = [];
  for (const [contender, handle] of [['raw', raw] as const, ...others]) {
    memory.push({ contender, bytes: await handle.ask({ kind: 'memory' }) });
  }
  const told = options.engine === 'sqlite' ? durability : 'as the server';
  return { suite: { durability: told, tasks: results }, memory };
}
