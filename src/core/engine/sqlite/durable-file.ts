/** Gives files their names so that a loss of power at any moment leaves a whole one. Locks are not its concern. */
import { link, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { loadCrypto } from '../../foundation/node-crypto.ts';
import { basename, dirname, join } from 'node:path';

/** What SQLite writes beside a database. Whatever lies there belongs to the file that has the name. */
export const sidecarEndings = ['-wal', '-shm', '-journal'] as const;

/** Makes an empty file beside another one, that its owner alone may read and write. @returns its path */
export async function createPartial(file: string): Promise<string> {
  const path = join(dirname(file), `${partialPrefix(file)}${loadCrypto().randomBytes(6).toString('hex')}`);
  await (await open(path, 'wx', 0o600)).close();
  return path;
}

/** Removes what `createPartial` has made beside a file and nobody has come back for. Nobody may be writing there. */
export async function removePartials(file: string): Promise<void> {
  const prefix = partialPrefix(file);
  for (const name of await readdir(dirname(file))) {
    if (name.startsWith(prefix)) await rm(join(dirname(file), name), { force: true });
  }
}

function partialPrefix(file: string): string {
  return `${basename(file)}.partial-`;
}

/** Removes a file and what SQLite may have left beside it. Never fails because something is not there. */
export async function removeWithSidecars(path: string): Promise<void> {
  for (const ending of ['', ...sidecarEndings]) await rm(`${path}${ending}`, { force: true });
}

/** Gives a file its name, and replaces what has it. On the disk when it returns. */
export async function replaceFile(partial: string, file: string): Promise<void> {
  await rename(partial, file);
  await flushFolder(dirname(file));
}

/**
 * Gives a file its name where nothing has it. On the disk when it returns.
 *
 * @throws EEXIST of the file system where something has it
 */
export async function placeFile(partial: string, file: string): Promise<void> {
  try {
    await link(partial, file);
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    if (await exists(file)) throw Object.assign(new Error('file exists'), { code: 'EEXIST' });
    await rename(partial, file);
  }
  await rm(partial, { force: true });
  await flushFolder(dirname(file));
}

/** Whether anything has a name, a dangling link as well. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (fileCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The code of an error of the file system; undefined where it is none. */
export function fileCodeOf(error: unknown): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) ? code : undefined;
}

/** Whether a file system has no second names for a file. */
export function isWithoutLinks(error: unknown): boolean {
  return ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(fileCodeOf(error) ?? '');
}

/** Brings the names of a folder to the disk. Windows has no such call, and flushes them by itself. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
