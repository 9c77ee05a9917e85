/** One folder a process for everything that tests write; it goes when the process ends, also after Ctrl-C. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of Linux that lies in memory, and how much has to be free on it, in bytes. */
const memory = '/dev/shm';
const enough = 4 * 1024 ** 3;

/**
 * Where folders for tests are made: in memory, unless TMPDIR says otherwise. No test pulls the plug of the machine, so
 * that to wait for its disk thousands of times proves nothing; what reaches the disk when is read from the calls.
 */
export const tempRoot = process.env['TMPDIR'] === undefined && isRoomInMemory() ? memory : tmpdir();

let root: string | undefined;
let count = 0;

/** Makes a new empty folder and returns its path. */
export function makeTempDirectory(name = 'dir'): string {
  root ??= makeRoot();
  count += 1;
  const path = join(root, `${name}-${count}`);
  mkdirSync(path);
  return path;
}

function makeRoot(): string {
  const path = mkdtempSync(join(tempRoot, 'liminal-test-'));
  process.once('exit', () => {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Something still writes there. An error here would keep the process from its end.
    }
  });
  return path;
}

/** Programs are run from these folders as well, which a container may forbid for its memory. */
function isRoomInMemory(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    const options = mounts.map((line) => line.split(' ')).findLast((fields) => fields[1] === memory)?.[3];
    if (options === undefined || /\b(noexec|ro)\b/.test(options)) return false;
    const { bavail, bsize } = statfsSync(memory);
    return bavail * bsize > enough;
  } catch {
    return false;
  }
}
