import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../../core/index.ts';
import { snapshotSqlite } from '../../core/engine/sqlite/index.ts';
import { LegacySource } from './legacy-source.ts';

/** Copies of the legacy databases as of one moment each, kept until they are imported. */
export interface LegacySnapshots {
  /** One a database, in their order. */
  readonly files: readonly string[];
  /** Another one where anything in them is another one, in hexadecimal. */
  readonly fingerprint: string;
}

/** Whatever this module makes in the folder: snapshots, what SQLite keeps beside them, and what a kill left of one. */
const ownFile = /^legacy-\d+\.db(?:-wal|-shm|-journal|\.partial-[0-9a-f]+(?:-wal|-shm|-journal)?)?$/;

/** Where the header of a database file counts changes of the file, of its schema, and for which count its size holds. */
const counters = [24, 40, 92] as const;
const snapshotFile = /^legacy-\d+\.db$/;

/**
 * Finds the snapshots that an import has begun with, or takes them.
 *
 * @param sources the legacy databases, which are only read
 * @param folder where the snapshots are; it is made, for its owner alone
 * @param begun the fingerprint with which the import has begun; undefined where it has not
 * @throws ConfigurationError where an import has begun, its snapshots are gone, and the databases are others now; or
 *   where one is not there, or is none
 */
export async function keepSnapshots(
  sources: readonly string[],
  folder: string,
  begun: string | undefined,
): Promise<LegacySnapshots> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = sources.map((_, index) => join(folder, `legacy-${index + 1}.db`));
  if (begun !== undefined && files.every((file) => existsSync(file))) {
    const fingerprint = await fingerprintOf(files);
    if (fingerprint === begun) return { files, fingerprint };
  }
  await requireAllSources(sources.length, folder, begun);
  await removeOwnFiles(folder);
  for (const [index, file] of files.entries()) await takeSnapshot(sources[index]!, file);
  const fingerprint = await fingerprintOf(files);
  if (begun === undefined || begun === fingerprint) return { files, fingerprint };
  await removeSnapshots(folder);
  throw new ConfigurationError(
    'This database holds an import of another state of the legacy databases, or of others, and the snapshots of that one are gone. Import into a new database.',
  );
}

/** Removes the snapshots, and the folder where nothing else is in it. */
export async function removeSnapshots(folder: string): Promise<void> {
  await removeOwnFiles(folder);
  if ((await readdir(folder)).length === 0) await rmdir(folder);
}

async function removeOwnFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (ownFile.test(name)) await rm(join(folder, name), { force: true });
}

/** Who forgets a database must not lose the snapshots with which the import goes on. */
async function requireAllSources(count: number, folder: string, begun: string | undefined): Promise<void> {
  if (begun === undefined) return;
  const kept = (await readdir(folder)).filter((name) => snapshotFile.test(name)).toSorted();
  if (kept.length === count || (await fingerprintOf(kept.map((name) => join(folder, name)))) !== begun)
    return;
  throw new ConfigurationError(
    `The import has begun with ${kept.length} legacy databases, and ${count} are named now. Name all of them, in the same order. Nothing was changed.`,
  );
}

async function takeSnapshot(source: string, file: string): Promise<void> {
  await snapshotSqlite(source, file);
  // The first to open it gives it the settings of this library, which are in the file: the fingerprint comes after.
  const opened = await LegacySource.open(file, source);
  await opened.close();
}

async function fingerprintOf(files: readonly string[]): Promise<string> {
  const whole = createHash('sha256');
  for (const file of files) whole.update(await hashFile(file));
  return whole.digest('hex');
}

/** Passes over what counts the changes: the online backup of a database counts on, and a copy of its bytes does not. */
async function hashFile(file: string): Promise<Buffer> {
  const hash = createHash('sha256');
  let isFirst = true;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    if (isFirst) for (const offset of counters) chunk.subarray(offset, offset + 4).fill(0);
    isFirst = false;
    hash.update(chunk);
  }
  return hash.digest();
}
