/** Runs a program of the project and waits for it. What npm installed comes before what the machine has. */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

export interface RunOptions {
  /** Where it runs; the project's root by default. */
  cwd?: string;
  /** Added to the environment of this process. */
  env?: Record<string, string>;
  /** `inherit` shows the output as it comes; `collect` (the default) keeps it for the caller. */
  output?: 'inherit' | 'collect';
}

export interface RunResult {
  /** Exit code; 1 where the program could not start or a signal ended it. */
  code: number;
  /** Standard output alone; empty with `inherit`. */
  stdout: string;
  /** Standard output and error in the order of their arrival; empty with `inherit`. */
  output: string;
}

/** Never rejects: a program that cannot be found is a result with code 1, not an error. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const path = [join(projectRoot, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? projectRoot,
      env: { ...process.env, ...options.env, PATH: path },
      stdio: options.output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // npm's programs are .cmd files on Windows, which only a shell can start.
      shell: process.platform === 'win32',
    });
    let stdout = '';
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.once('error', (error) => resolve({ code: 1, stdout, output: `${command}: ${error.message}` }));
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, output }));
  });
}

/** Runs the whole test command, showing its output. */
export async function runTests(env: Record<string, string> = {}): Promise<number> {
  const { code } = await runCommand('npm', ['test', '--silent'], { env, output: 'inherit' });
  return code;
}
