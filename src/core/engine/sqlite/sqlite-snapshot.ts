import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemClock, type Clock } from '../../foundation/clock.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import type { BackupReport, CopyOptions } from '../backup.ts';
import { createPartial, exists, fileCodeOf, placeFile, removeWithSidecars } from './durable-file.ts';
import { copyDatabase } from './worker/sqlite-copy.ts';
import type { CopyResult } from './worker/copy-protocol.ts';

/** How a snapshot is made. */
export interface SnapshotOptions extends CopyOptions {
  /** The longest wait for a lock of another process, in ms; 5,000 by default. */
  readonly lockTimeout?: number;
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
}

/** What a commit of SQLite may lie in beside the file; its lock table is none of it. */
const logEndings = ['-wal', '-journal'] as const;
const lastingEndings = ['', ...logEndings] as const;
/** The coarsest clock of a file system: a file that was written longer ago is written with another time. */
const quietTime = 2_000;
const defaultLockTimeout = 5_000;
/** Where a database file says that it goes with a write-ahead log, and how. */
const versionOffset = 18;
const writeAheadVersion = 2;

/**
 * Copies a SQLite database that may be another program's, and writes nothing beside it: of `provider.backup` the file
 * becomes one with a write-ahead log, and merely opening such a file makes one. A database that nobody writes is copied
 * byte by byte with its log, and what a crash left in the log is brought in in the copy alone. One that somebody writes
 * is copied by SQLite's online backup, read-only, as of one moment, and others go on; SQLite's lock table beside it
 * (`-shm`) changes then, as it does with each of its readers.
 *
 * @param source the database; it must not be open in this process
 * @param file where the copy goes; nothing may have the name yet. Its owner alone may read it
 * @param options `onProgress`, `signal`, `lockTimeout` and `clock`
 * @returns where the copy is: one file, checked and on the disk
 * @throws ConfigurationError where there is no such database, or the copy cannot be written there
 * @throws CorruptDatabaseError where the copy is no sound database; DatabaseBusyError; and the signal's reason
 * @example
 * await snapshotSqlite('/srv/old/app.db', './app-snapshot.db');
 */
export async function snapshotSqlite(
  source: string,
  file: string,
  options: SnapshotOptions = {},
): Promise<BackupReport> {
  const { clock = systemClock, lockTimeout = defaultLockTimeout } = options;
  const start = clock.monotonic();
  const [from, to] = [resolve(source), resolve(file)];
  if (!existsSync(from)) throw new ConfigurationError(`There is no database file ${from}. Mend the path.`);
  const partial = await namingPlace(to, () => requireFree(to).then(() => createPartial(to)));
  try {
    const isCopied = await copyQuietFiles(from, partial, clock);
    const job = { source: isCopied ? undefined : from, target: partial, lockTimeout };
    const { bytes, pages }: CopyResult = await copyDatabase(job, from, options);
    options.signal?.throwIfAborted();
    await namingPlace(to, () => placeFile(partial, to));
    return { file: to, bytes, pages, duration: clock.monotonic() - start };
  } finally {
    await removeWithSidecars(partial);
  }
}

/**
 * Copies the bytes of a database that SQLite could not open without a trace.
 *
 * @returns false where it can, or where somebody writes: the target is an empty file then
 */
async function copyQuietFiles(source: string, target: string, clock: Clock): Promise<boolean> {
  const before = await describeFiles(source);
  const logs = before.slice(1).filter((times) => times !== undefined);
  if (logs.length === 0 && !(await hasWriteAheadLog(source))) return false;
  const isQuiet = (times: FileMark | undefined): boolean =>
    times === undefined || clock.now() - times.writtenAt > quietTime;
  // Without a log nobody has it open, and whoever opens it makes one.
  if (logs.length > 0 && !before.every(isQuiet)) return false;
  for (const [index, ending] of lastingEndings.entries()) {
    if (before[index] !== undefined) await copyBytes(`${source}${ending}`, `${target}${ending}`);
  }
  const after = await describeFiles(source);
  if (before.every((mark, index) => mark?.text === after[index]?.text)) return true;
  await removeWithSidecars(target);
  await (await open(target, 'wx', 0o600)).close();
  return false;
}

/** Not by `copyFile`, which lets read the copy whoever may read the source. */
async function copyBytes(source: string, target: string): Promise<void> {
  await pipeline(createReadStream(source), createWriteStream(target, { mode: 0o600 }));
}

interface FileMark {
  /** In ms since the Unix epoch. */
  readonly writtenAt: number;
  /** Another one where the file is another one, or was written. */
  readonly text: string;
}

function describeFiles(source: string): Promise<(FileMark | undefined)[]> {
  return Promise.all(
    lastingEndings.map(async (ending) => {
      try {
        const { ino, size, mtimeNs, mtimeMs } = await stat(`${source}${ending}`, { bigint: true });
        return { writtenAt: Number(mtimeMs), text: `${ino} ${size} ${mtimeNs}` };
      } catch (error) {
        if (fileCodeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    }),
  );
}

async function hasWriteAheadLog(source: string): Promise<boolean> {
  const file = await open(source, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, versionOffset);
    return bytesRead === 1 && buffer[0] === writeAheadVersion;
  } finally {
    await file.close();
  }
}

async function requireFree(file: string): Promise<void> {
  for (const ending of lastingEndings) {
    if (!(await exists(`${file}${ending}`))) continue;
    throw new ConfigurationError(`There is a file ${file}${ending} already, so no copy was written there.`);
  }
}

async function namingPlace<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const code = fileCodeOf(cause);
    if (code === undefined) throw cause;
    throw new ConfigurationError(`The copy ${file} cannot be written (${code}).`, { cause });
  }
}
