/**
 * The whole test run, in two processes side by side where the machine has two processors: each has every second file,
 * and a Postgres and folders of its own. What they say comes as it comes; the counts at the end are those of both.
 *
 * `node scripts/test.ts [file…]` runs some files; `LIMINAL_TEST_JOBS` says how many processes there are.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { projectRoot } from './run-command.ts';
import { TestSummary } from './test-summary.ts';

const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
const named = process.argv.slice(2);
const files =
  named.length > 0
    ? named
    : globSync('test/{core,chat,cli,package}/**/*.test.ts', { cwd: projectRoot }).toSorted();
// A soak has the machine to itself, so that it can hold limits in real time.
const usual = process.env['LIMINAL_SOAK'] === '1' ? 1 : Math.min(2, availableParallelism());
const jobs = Math.min(files.length, Number(process.env['LIMINAL_TEST_JOBS'] ?? usual));

const summary = new TestSummary();
const parts = Array.from({ length: jobs }, (_, part) => files.filter((_file, at) => at % jobs === part));
const codes = await Promise.all(parts.map(runPart));
summary.print();
process.exitCode = codes.every((code) => code === 0) ? 0 : 1;

async function runPart(part: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [mocha, ...part], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = (signal: NodeJS.Signals) => void child.kill(signal);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    if (!summary.take(line)) console.log(line);
  });
  const [[code]] = await Promise.all([once(child, 'close'), once(lines, 'close')]);
  process.off('SIGINT', stop).off('SIGTERM', stop);
  return (code as number | null) ?? 1;
}
