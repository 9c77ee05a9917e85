/** Runs the command line from its sources. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runCli } from '../../src/cli/run-cli.ts';
import { bundleProgram } from '../support/bundled-program.ts';
import { compileCache } from '../support/compile-cache.ts';
import { makeTempDirectory } from '../support/temp-directory.ts';

/** The program of the bin. @returns its path, bundled from the sources */
export function bundleBin(): string {
  return bundleProgram(fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)));
}

export interface BinRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BinOptions {
  /** The working directory; a new empty one by default. */
  readonly cwd?: string;
  /** The environment beside PATH; empty by default, so that the machine's own settings do not count. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the command line in this process, which saves the start of one: for what a verb does, where it is given nothing
 * relative to the working directory of the process.
 */
export async function runHere(args: readonly string[], options: BinOptions = {}): Promise<BinRun> {
  let [stdout, stderr] = ['', ''];
  const code = await runCli(args, {
    cwd: options.cwd ?? makeTempDirectory('cli'),
    env: options.env ?? {},
    stdout: { write: (piece) => (stdout += piece) },
    stderr: { write: (piece) => (stderr += piece) },
  });
  return { code, stdout, stderr };
}

/** Runs the command line in a process of its own, as a shell would. */
export async function runBin(args: readonly string[], options: BinOptions = {}): Promise<BinRun> {
  const child = spawn(process.execPath, [bundleBin(), ...args], {
    cwd: options.cwd ?? makeTempDirectory('cli'),
    env: { PATH: process.env['PATH'], ...compileCache(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code: code as number | null, stdout, stderr };
}
