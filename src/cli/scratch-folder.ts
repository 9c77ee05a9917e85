import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Works in a new folder that goes at the end, and also where somebody stops the program: what lies there may be secret.
 *
 * @param beside what the folder is named after; it lies there, or above it where that folder is not there
 * @param work is given the folder
 * @returns what the work gives
 * @throws what the work throws, and what the operating system says of the folder
 */
export async function withScratchFolder<Result>(
  beside: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  let parent = dirname(beside);
  while (!existsSync(parent)) parent = dirname(parent);
  const folder = await mkdtemp(join(parent, `${basename(beside)}.`));
  const stopListening = (): void => {
    for (const signal of signals) process.off(signal, leave);
  };
  function leave(signal: NodeJS.Signals): void {
    stopListening();
    try {
      // Other threads may be writing there still.
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } finally {
      // As if nobody had listened.
      process.kill(process.pid, signal);
    }
  }
  for (const signal of signals) process.on(signal, leave);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true }).finally(stopListening);
  }
}
