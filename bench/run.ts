/**
 * `npm run bench`: how long a call takes against the raw driver, beside peers, on one chat workload.
 *
 * Options: `--engine sqlite|postgres|both`, `--rounds 25`, `--duration 20` (ms a round), `--tasks key,page`,
 * `--contenders kysely,liminal-prepared`, `--quick` (about a minute), `--check` (a missed target is exit code 1),
 * `--out folder`, `--docs` (puts the tables into docs/benchmarks.md). `npm run bench -- growth` measures how cost grows with the number of messages;
 * numbers behind it are the sizes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { contenderNames } from './contender-list.ts';
import type { ContenderOptions } from './contender.ts';
import { defaultSizes, measureGrowth } from './growth.ts';
import { buildLibrary, installPeers } from './harness/build-library.ts';
import { measureEngine } from './harness/measure-engine.ts';
import { describeRun, toMarkdown } from './report/markdown.ts';
import type { EngineReport, Report } from './report/report.ts';
import { judge } from './report/targets.ts';
import { updateDocs } from './report/update-docs.ts';
import { tasks } from './workload/tasks.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'both' },
    rounds: { type: 'string' },
    duration: { type: 'string' },
    tasks: { type: 'string', default: '' },
    contenders: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    out: { type: 'string', default: fileURLToPath(new URL('.data', import.meta.url)) },
  },
});

const say = (line: string) => console.error(line);
await installPeers();
const build = await buildLibrary();
process.env['LIMINAL_BENCH_BUILD'] = build;
// So that Node neither strips types nor keeps the compiler in the memory of the processes that are measured.
process.env['NODE_COMPILE_CACHE'] = join(build, '.compile-cache');

const pace = {
  rounds: Number(values.rounds ?? (values.quick ? 5 : 25)),
  duration: Number(values.duration ?? (values.quick ? 6 : 20)),
};
requireWhole('--rounds', pace.rounds, 1);
requireWhole('--duration', pace.duration, 1);
const [command, ...sizes] = positionals;
if (command === 'growth') {
  const asked = sizes.length === 0 ? defaultSizes : sizes.map(Number);
  for (const size of asked) requireWhole('a size', size, 1_000);
  const tables: string[] = [];
  for (const engine of readEngines()) {
    tables.push(await measureGrowth({ engine, sizes: asked, ...pace, say }));
  }
  const markdown = [describeRun(new Date().toISOString(), describeSurroundings()), ...tables].join('\n\n');
  console.log(markdown);
  if (values.docs) await updateDocs('growth', markdown);
} else if (command === undefined) {
  process.exitCode = await compare();
} else {
  throw new Error(`There is no "${command}"; there is growth.`);
}

async function compare(): Promise<number> {
  const engines: EngineReport[] = [];
  for (const engine of readEngines()) {
    engines.push(
      await measureEngine({
        engine,
        ...pace,
        coldStarts: values.quick ? 5 : 15,
        tasks: readNames(
          values.tasks,
          tasks.map(({ name }) => name),
        ),
        contenders: readNames(values.contenders, contenderNames),
        say,
      }),
    );
  }
  const report: Report = { date: new Date().toISOString(), surroundings: describeSurroundings(), engines };
  const markdown = toMarkdown(report);
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'bench.md'), `${markdown}\n`);
  writeFileSync(join(values.out, 'bench.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(markdown);
  if (values.docs) await updateDocs('figures', markdown);
  const missed = engines.flatMap((engine) => judge(engine)).filter(({ result }) => result === 'missed');
  return values.check && missed.length > 0 ? 1 : 0;
}

function readEngines(): ContenderOptions['engine'][] {
  switch (values.engine) {
    case 'both':
      return ['sqlite', 'postgres'];
    case 'sqlite':
    case 'postgres':
      return [values.engine];
    default:
      throw new Error(`--engine is sqlite, postgres or both, not "${values.engine}".`);
  }
}

function requireWhole(name: string, value: number, unit: number): void {
  if (value > 0 && value % unit === 0) return;
  throw new Error(`${name} is a whole number from ${unit}${unit === 1 ? '' : `, a multiple of ${unit}`}.`);
}

/** @throws where a name is none of those that there are */
function readNames(list: string, known: readonly string[]): string[] {
  const names = list.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there is ${known.join(', ')}.`);
  return names;
}

function describeSurroundings(): Record<string, string> {
  return {
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    processor: `${cpus()[0]?.model ?? 'unknown'} × ${availableParallelism()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  };
}
