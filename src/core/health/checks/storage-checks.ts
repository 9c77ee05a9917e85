import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EngineGauges } from '../../engine/engine-gauges.ts';
import { judgeLeast, type Budget } from '../budget.ts';
import type { HealthCheck } from '../health-check.ts';

/** Tells how much room is left for the files of a folder. */
export type ReadFileSystem = (folder: string) => Promise<{ readonly bavail: number; readonly bsize: number }>;

/** Looks at how many bytes are free where the database lies. Less is worse. */
export function diskCheck(database: string, budget: Budget, read: ReadFileSystem = statfs): HealthCheck {
  const folder = dirname(database);
  return {
    name: 'disk',
    async run() {
      const { bavail, bsize } = await readNearest(folder, read);
      const value = bavail * bsize;
      const message = `${describeBytes(value)} are free where the database lies.`;
      return { status: judgeLeast(value, budget), message, detail: `${message} ${folder}`, value, budget };
    },
  };
}

/** The folder of a database is made with its first connection; until then the one that it will be made in counts. */
async function readNearest(folder: string, read: ReadFileSystem): ReturnType<ReadFileSystem> {
  try {
    return await read(folder);
  } catch (error) {
    const parent = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder) throw error;
    return readNearest(parent, read);
  }
}

/** Looks at how long the log is that is not in the database yet: a reader that never ends keeps it from being emptied. */
export function logCheck(gauges: () => Promise<EngineGauges>, budget: Budget): HealthCheck {
  return {
    name: 'log',
    async run() {
      const value = (await gauges()).wal?.bytes ?? 0;
      return { message: `The write-ahead log has ${describeBytes(value)}.`, value, budget };
    },
  };
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

function describeBytes(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
