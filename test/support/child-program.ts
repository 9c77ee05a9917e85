/** Runs a program of the tests in a process of its own, where a test wants to limit it, or to kill it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from './bundled-program.ts';
import { compileCache } from './compile-cache.ts';
import { withoutSlowQueryLines } from './slow-query-lines.ts';

export interface ChildOptions {
  /** A command that runs the program under its limits: `['prlimit', '--nofile=40']`. */
  readonly under?: readonly string[];
  /** The user that it runs as; the tests must run as root. */
  readonly uid?: number;
  /** Set beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Without lines of slow queries. */
  readonly stderr: string;
}

export interface ChildProgram {
  readonly pid: number;
  /** What it said so far, line by line. What it wrote before a SIGKILL is read as well. */
  readonly lines: readonly string[];
  /** Settles once it has ended and everything that it said is in `lines`. */
  readonly ended: Promise<ChildEnd>;
  /** Waits for the line of this number, counted from 0; fails where the program ends before. */
  line(number: number): Promise<string>;
  /** Sends a line to its standard input. */
  say(line: string): void;
  kill(signal: NodeJS.Signals): void;
}

/** None of them outlives the tests, also where one of these gave up waiting. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Starts a TypeScript program.
 *
 * @param program its file
 * @param args what it finds behind its name
 */
export function startProgram(
  program: URL,
  args: readonly string[],
  { under = [], uid, env = {} }: ChildOptions = {},
): ChildProgram {
  const source = fileURLToPath(program);
  // Another user may not look into the folders of this one.
  const file = uid === undefined ? bundleProgram(source) : source;
  const [command = process.execPath, ...rest] = [...under, process.execPath, file, ...args];
  const child = spawn(command, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...compileCache(), ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  running.add(child);
  // Whoever is killed reads no more of what it is told.
  child.stdin.on('error', () => undefined);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const read = once(reader, 'close');
  reader.on('line', (line) => lines.push(line));
  const errors = text(child.stderr);
  const ended = (async (): Promise<ChildEnd> => {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    running.delete(child);
    await read;
    return { code, signal, stderr: withoutSlowQueryLines(await errors) };
  })();
  // A program that cannot be started rejects here, and again for everybody who waits for its end.
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    lines,
    ended,
    async line(number) {
      while (lines[number] === undefined) {
        const said = once(reader, 'line').then(() => undefined);
        const end = await Promise.race([said, ended]);
        if (end !== undefined && lines[number] === undefined) {
          throw new Error(`The program ended with ${end.code ?? end.signal} and said: ${end.stderr}`);
        }
      }
      return lines[number];
    },
    say: (line) => void child.stdin.write(`${line}\n`),
    kill: (signal) => void child.kill(signal),
  };
}
