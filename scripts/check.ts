/**
 * Everything that needs no database, one line a step: format, types, lint, unused code, build, package.
 * Ends at the first step that fails, with that step's output.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, type RunResult } from './run-command.ts';

interface Step {
  title: string;
  run: () => Promise<RunResult>;
}

const packDirectory = mkdtempSync(join(tmpdir(), 'liminal-check-'));
const findTarball = () => join(packDirectory, readdirSync(packDirectory)[0] ?? 'no-tarball');
const step = (title: string, command: string, ...args: string[]): Step => ({
  title,
  run: () => runCommand(command, args),
});

const steps: Step[] = [
  step('format', 'prettier', '--check', '--log-level', 'warn', '.'),
  step('types', 'tsc', '-p', 'tsconfig.json', '--noEmit'),
  step('lint', 'oxlint', '--type-aware', '--deny-warnings'),
  step('unused code', 'knip'),
  step('unused exports', 'knip', '--production'),
  step('error docs', 'node', 'scripts/generate-error-docs.ts', '--check'),
  step('imports run downward', 'mocha', 'test/package/imports-run-downward.test.ts'),
  step('build', 'npm', 'run', 'build', '--silent'),
  step('pack', 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', packDirectory),
  { title: 'publint', run: () => runCommand('publint', ['run', findTarball(), '--strict']) },
  { title: 'types of the doors', run: () => runCommand('attw', [findTarball(), '--profile', 'esm-only']) },
];

try {
  process.exitCode = await runSteps();
} finally {
  rmSync(packDirectory, { recursive: true, force: true });
}

async function runSteps(): Promise<number> {
  for (const { title, run } of steps) {
    const started = performance.now();
    const { code, output } = await run();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${title.padEnd(24)} ${seconds.padStart(6)} s`);
    if (code !== 0) {
      console.log(output.trimEnd());
      return 1;
    }
  }
  return 0;
}
