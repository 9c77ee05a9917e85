import { existsSync } from 'node:fs';
import { chmod, chown, link, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { SqliteConnection as SqliteSettings } from '../../config/sqlite-config.ts';
import type { DatabaseConfig } from '../../config/database-config.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { CorruptDatabaseError } from '../../foundation/errors/statement-errors.ts';
import type { RestoreOptions, RestoreReport } from '../backup.ts';
import type { EngineContext } from '../engine.ts';
import {
  createPartial,
  exists,
  fileCodeOf,
  isWithoutLinks,
  removeWithSidecars,
  replaceFile,
  sidecarEndings,
} from './durable-file.ts';
import { makeFolder } from './make-folder.ts';
import { copyDatabase } from './worker/sqlite-copy.ts';
import { takeOver } from './sqlite-takeover.ts';

/**
 * Puts a backup in the place of a database; see `Engine.restore`.
 *
 * The copy is made and checked beside the database first. Then the old one is made a single file, without the
 * write-ahead log that the new one would take for its own, and held so that nobody opens it; then one rename puts
 * the new one in its place.
 */
export async function restoreSqlite(
  config: DatabaseConfig<'sqlite', SqliteSettings>,
  backup: string,
  { clock }: Pick<EngineContext, 'clock'>,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const start = clock.monotonic();
  const { lockTimeout } = config;
  const source = resolve(backup);
  const target = await findTarget(config.connection, source);
  const partial = await createBeside(target);
  try {
    const { bytes, pages } = await copyDatabase({ source, target: partial, lockTimeout }, source, options);
    await keepRights(target, partial);
    options.signal?.throwIfAborted();
    const old = await takeOver(target, clock);
    try {
      const kept = await swap(target, partial, {
        isBroken: old === 'broken',
        isThere: old !== undefined,
        discardOld: options.discardOld ?? false,
        now: clock.now(),
      });
      return { file: target, kept, bytes, pages, duration: clock.monotonic() - start };
    } finally {
      if (typeof old === 'object') old.close();
    }
  } finally {
    await removeWithSidecars(partial);
  }
}

async function findTarget({ memory, filename }: SqliteSettings, source: string): Promise<string> {
  if (memory) {
    throw new ConfigurationError(
      'A backup was to be restored into a database in memory, which is gone when its process ends. Name a file.',
    );
  }
  if (!existsSync(source)) {
    throw new ConfigurationError(
      `The backup ${source} is not there, so nothing was restored. Mend its path.`,
    );
  }
  // To SQLite an empty file is a database without a table.
  if ((await stat(source)).size === 0) throw emptyError(source);
  const path = resolve(filename);
  // SQLite follows a link, and puts its log beside the file behind it; a rename would replace the link.
  const target = (await exists(path)) ? await realpath(path) : path;
  if ((await realpath(source)) !== target) return target;
  throw new ConfigurationError(
    `${source} was to be restored over itself. Name the backup, and the database by --database or the configuration.`,
  );
}

async function createBeside(target: string): Promise<string> {
  try {
    await makeFolder(dirname(target));
    return await createPartial(target);
  } catch (cause) {
    throw new ConfigurationError(
      `Beside ${target} nothing can be written (${fileCodeOf(cause) ?? 'unknown'}), so nothing was restored. Check the rights of its folder.`,
      { cause },
    );
  }
}

/** Whoever could open the old database must be able to open the new one. */
async function keepRights(target: string, partial: string): Promise<void> {
  if (!(await exists(target))) return;
  const old = await stat(target);
  const made = await stat(partial);
  if (old.uid !== made.uid || old.gid !== made.gid) await chown(partial, old.uid, old.gid);
  await chmod(partial, old.mode & 0o777);
}

interface Swap {
  /** Whether SQLite cannot read the old database, so that its log could not be brought into it. */
  readonly isBroken: boolean;
  readonly isThere: boolean;
  readonly discardOld: boolean;
  /** In ms since the Unix epoch. */
  readonly now: number;
}

/** @returns where the old database is kept */
async function swap(target: string, partial: string, plan: Swap): Promise<string | undefined> {
  const kept = plan.isThere && !plan.discardOld ? nameOfOld(target, plan.now) : undefined;
  if (kept !== undefined) await linkOld(target, kept);
  try {
    if (!plan.isThere || plan.isBroken) await moveSidecars(target, kept);
    await replaceFile(partial, target);
    return kept;
  } catch (error) {
    if (kept !== undefined) await rm(kept, { force: true });
    throw error;
  }
}

function nameOfOld(target: string, now: number): string {
  return `${target}.before-restore-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}`;
}

/** A second name, so that at no moment the database has none. */
async function linkOld(target: string, kept: string): Promise<void> {
  try {
    await link(target, kept);
  } catch (cause) {
    const reason = isWithoutLinks(cause)
      ? 'this file system has no second names for a file; copy it yourself and say that it may be thrown away'
      : `it cannot be named ${kept} (${fileCodeOf(cause) ?? 'unknown'})`;
    throw new ConfigurationError(`The old ${target} cannot be kept: ${reason}. Nothing was restored.`, {
      cause,
    });
  }
}

/** Where SQLite cannot read the old database its log must go all the same, or the new one would take it in. */
async function moveSidecars(target: string, kept: string | undefined): Promise<void> {
  for (const ending of sidecarEndings) {
    const path = `${target}${ending}`;
    if (!(await exists(path))) continue;
    if (kept === undefined) await rm(path, { force: true });
    else await rename(path, `${kept}${ending}`);
  }
}

function emptyError(source: string): CorruptDatabaseError {
  return new CorruptDatabaseError(
    `The backup ${source} is empty, so nothing was restored. Take one that was written to its end.`,
  );
}
