/** Logs what a program does to the files of one folder, by a library that is loaded in front of libc. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTempDirectory } from '../../../../../support/temp-directory.ts';

/** One call that reached the kernel. Kinds and layout are those of write-log.c. */
export type WriteRecord =
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'flush'; readonly path: string }
  | { readonly kind: 'create' | 'remove'; readonly path: string };

/** Why nothing can be logged here; undefined where it can. */
export function findLogObstacle(): string | undefined {
  if (process.platform !== 'linux') return 'no Linux';
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'no C compiler: install gcc';
  }
  return undefined;
}

/** Compiles the logging library and returns its path. */
export function buildWriteLog(): string {
  const library = join(makeTempDirectory('write-log'), 'write-log.so');
  const source = fileURLToPath(new URL('write-log.c', import.meta.url));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl', '-lpthread']);
  return library;
}

/** The environment in which a program logs what it does to the files of `folder`. */
export function logWritesTo(log: string, folder: string, library: string): Record<string, string> {
  return { LD_PRELOAD: library, LIMINAL_WRITE_LOG: log, LIMINAL_WRITE_LOG_FOLDER: folder };
}

export function readWriteLog(log: string): WriteRecord[] {
  const bytes = readFileSync(log);
  const records: WriteRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const kind = bytes.readUInt32LE(at);
    const pathStart = at + 24;
    const dataStart = pathStart + bytes.readUInt32LE(at + 4);
    const offset = Number(bytes.readBigUInt64LE(at + 8));
    const end = dataStart + Number(bytes.readBigUInt64LE(at + 16));
    const path = bytes.toString('utf8', pathStart, dataStart);
    records.push(makeRecord(kind, path, offset, bytes.subarray(dataStart, end)));
    at = end;
  }
  return records;
}

function makeRecord(kind: number, path: string, offset: number, data: Buffer): WriteRecord {
  switch (kind) {
    case 1:
      return { kind: 'write', path, offset, data };
    case 2:
      return { kind: 'flush', path };
    case 3:
      return { kind: 'truncate', path, size: offset };
    case 4:
      return { kind: 'create', path };
    case 5:
      return { kind: 'remove', path };
    case 6:
      return { kind: 'rename', path, to: data.toString() };
    default:
      throw new Error(`The write log holds a record of kind ${kind}.`);
  }
}
