/**
 * How long a call takes against the raw driver with statements prepared once (1.00 = raw, lower is better),
 * on SQLite at equal durability. All contenders take turns within one run, since machines are noisy and only
 * ratios within a run mean anything. `npm run bench`; `npm run bench -- --rounds 30` for a longer one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kyselyContender } from './kysely-contender.ts';
import { providerContender, repositoryContender } from './liminal-contenders.ts';
import { rawContender } from './raw-contender.ts';
import { tasks, type Contender, type Task } from './workload.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'liminal-bench-'));

try {
  const makers = {
    raw: rawContender,
    'raw again': rawContender,
    kysely: kyselyContender,
    'our Kysely': providerContender,
    repository: repositoryContender,
  };
  const contenders = new Map<string, Contender>();
  for (const [name, make] of Object.entries(makers))
    contenders.set(name, await make(join(folder, `${name}.db`)));
  await requireSameAnswers(contenders);
  const names = [...contenders.keys()];
  console.log(
    `| SQLite, ${rounds} rounds | raw | ${names.slice(1).join(' | ')} |\n| --- |${' --: |'.repeat(names.length)}`,
  );
  for (const task of tasks) console.log(await measure(task, contenders));
  for (const contender of contenders.values()) await contender.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A contender that answers otherwise is not faster, it is wrong. */
async function requireSameAnswers(all: ReadonlyMap<string, Contender>): Promise<void> {
  for (const { name, run, calls } of tasks) {
    const answers = await Promise.all([...all.values()].map((contender) => run(contender, calls + 1)));
    if (new Set(answers.map((answer) => JSON.stringify(answer))).size > 1) {
      throw new Error(`The contenders answer "${name}" differently: ${JSON.stringify(answers)}`);
    }
  }
}

async function measure({ name, run, calls }: Task, all: ReadonlyMap<string, Contender>): Promise<string> {
  const times = new Map([...all.keys()].map((contender) => [contender, [] as number[]]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [contenderName, contender] of all) {
      const start = performance.now();
      for (let call = 0; call < calls; call += 1) await run(contender, call + 1);
      // The first round warms up.
      if (round > 0) times.get(contenderName)!.push((performance.now() - start) / calls);
    }
  }
  const medians = [...times.values()].map(median);
  const [raw = 1, ...others] = medians;
  const ratios = others.map((time) => (time / raw).toFixed(2));
  return `| ${name} | ${(raw * 1000).toFixed(0)} µs | ${ratios.join(' | ')} |`;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}
