/** The process of one contender: does what its parent asks, one request after the other. */
import { openContender } from '../contender-list.ts';
import { ChatState } from '../workload/chat-state.ts';
import { collectAnswers } from '../workload/check-answers.ts';
import { tasks, type Task } from '../workload/tasks.ts';
import type { ContenderJob, Replies, Reply, Request, Round } from './messages.ts';
import { quantile } from './statistics.ts';

/** A round is calibrated after this many times its length, so that the compiler has seen the code. */
const warmUpRounds = 6;

const job = JSON.parse(process.argv[2]!) as ContenderJob;
const contender = await openContender(job.contender, job.options);
const state = new ChatState(job.scale);

process.on('message', (request: Request) => void reply(request));
// Without its parent there is nothing to do.
process.on('disconnect', () => process.exit());
send({ value: null });

async function reply(request: Request): Promise<void> {
  try {
    send({ value: await answer(request) });
    if (request.kind === 'close') process.disconnect();
  } catch (error) {
    send({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

function send(message: Reply): void {
  process.send!(message);
}

async function answer(request: Request): Promise<Replies[keyof Replies]> {
  switch (request.kind) {
    case 'answers':
      return collectAnswers(contender, state);
    case 'calibrate':
      return calibrate(findTask(request.task), request.duration);
    case 'round':
      return runRound(findTask(request.task), request.calls);
    case 'memory':
      globalThis.gc?.();
      return process.memoryUsage().rss;
    case 'close':
      await contender.close();
      return null;
  }
}

function findTask(name: string): Task {
  return tasks.find((task) => task.name === name)!;
}

/** Warms up and finds how many calls last as long as a round shall. */
async function calibrate(task: Task, duration: number): Promise<number> {
  if (!task.fits(contender)) return 0;
  const toUnits = (calls: number) => Math.max(1, Math.round(calls / task.unit)) * task.unit;
  let calls = task.unit;
  let spent = 0;
  let fitting = calls;
  while (spent < warmUpRounds * duration) {
    const { time } = await runRound(task, calls);
    spent += time * calls;
    fitting = toUnits(duration / time);
    calls = Math.min(fitting, calls * 4);
  }
  return fitting;
}

async function runRound(task: Task, calls: number): Promise<Round> {
  const run = task.prepare(state, calls);
  globalThis.gc?.();
  const start = performance.now();
  const watched = await run(contender);
  const time = (performance.now() - start) / calls;
  return { time, ...(watched.length > 0 && { p99: quantile(watched, 0.99) }) };
}
