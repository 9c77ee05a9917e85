/** One folder a process for everything that tests write; it goes when the process ends, also after Ctrl-C. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  const path = mkdtempSync(join(tmpdir(), 'liminal-test-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
  return path;
}
