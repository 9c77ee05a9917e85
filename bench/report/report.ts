import type { ColdStart } from '../cold-start/measure-cold-start.ts';
import type { ContenderOptions } from '../contender.ts';
import type { Measured, TaskResult } from '../harness/measure-pairs.ts';

/** Everything that one run measured, as it is written to the JSON file. */
export interface Report {
  readonly date: string;
  /** The machine and the versions; figures of different ones cannot be compared. */
  readonly surroundings: Readonly<Record<string, string>>;
  readonly engines: readonly EngineReport[];
}

export interface EngineReport {
  readonly engine: ContenderOptions['engine'];
  readonly description: string;
  readonly suites: readonly SuiteReport[];
  /** Of each contender's process after its tasks, in bytes. */
  readonly memory: readonly { readonly contender: Measured; readonly bytes: number }[];
  readonly coldStart: readonly ColdStart[];
}

/** Tasks that ran in one go, at one durability. */
export interface SuiteReport {
  readonly durability: 'full' | 'normal' | 'as the server';
  readonly tasks: readonly TaskResult[];
}
