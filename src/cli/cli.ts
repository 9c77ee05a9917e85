import type { Output } from './output.ts';

/** What every verb is given. */
export interface Cli {
  readonly output: Output;
  /** The working directory. */
  readonly cwd: string;
  /** The environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the process is to exit with; a verb sets it where it is done and yet has something to tell. */
  exitCode: number;
}
