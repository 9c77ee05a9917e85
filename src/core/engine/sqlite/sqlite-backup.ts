import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../../foundation/clock.ts';
import { PoolClosedError } from '../../foundation/errors/connection-errors.ts';
import { ConfigurationError } from '../../foundation/errors/configuration-error.ts';
import { within } from '../../foundation/within.ts';
import type { BackupOptions, BackupReport, CopyOptions } from '../backup.ts';
import {
  createPartial,
  exists,
  fileCodeOf,
  placeFile,
  removeWithSidecars,
  replaceFile,
  sidecarEndings,
} from './durable-file.ts';
import { copyDatabase } from './worker/sqlite-copy.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { translateSqliteError } from './sqlite-errors.ts';
import type { SqliteLanes } from './sqlite-lanes.ts';
import type { CopyResult } from './worker/copy-protocol.ts';

/** What backups need to know. */
export interface SqliteBackupsOptions {
  /** An absolute path, or `:memory:`. */
  readonly filename: string;
  readonly memory: boolean;
  /** The longest wait for another process, in ms. */
  readonly lockTimeout: number;
  readonly clock: Clock;
}

/** What a backup is asked from within. */
export interface SnapshotOptions extends BackupOptions {
  /** Whether all of it is read once more to see that it is sound. True by default; a snapshot is proved by its use. */
  readonly check?: boolean;
}

/** A database that is ready to be copied. */
interface BackupSource {
  copyInto(target: string, options: SnapshotOptions): Promise<CopyResult>;
  /** Lets others have it again. */
  release(): void;
}

/** Makes the backups of one database, and ends them with it. */
export class SqliteBackups {
  readonly #lanes: SqliteLanes;
  readonly #options: SqliteBackupsOptions;
  readonly #running = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  #isClosing = false;

  constructor(lanes: SqliteLanes, options: SqliteBackupsOptions) {
    this.#lanes = lanes;
    this.#options = options;
  }

  /** See `OpenEngine.backup`. */
  async make(file: string, options: SnapshotOptions): Promise<BackupReport> {
    if (this.#isClosing) throw closedError();
    const signals = [this.#ending.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const work = this.#make(file, { ...options, signal: AbortSignal.any(signals) });
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  /** Waits for backups until the deadline, in ms from now, then ends them. */
  async close(deadline: number): Promise<void> {
    this.#isClosing = true;
    const ended = Promise.allSettled(this.#running);
    if ((await within(this.#options.clock, deadline, ended)) !== undefined) return;
    this.#ending.abort(closedError());
    await ended;
  }

  async #make(name: string, options: SnapshotOptions): Promise<BackupReport> {
    const { clock, filename } = this.#options;
    const start = clock.monotonic();
    const file = checkTarget(name, filename);
    // First of all: once it waits, `close` may have begun.
    const source = await this.#openSource(options.signal);
    try {
      await this.#checkPlace(file, options.overwrite ?? false);
      const partial = await namingFaults(file, () => createPartial(file));
      try {
        const { bytes, pages } = await source.copyInto(partial, options);
        options.signal?.throwIfAborted();
        await namingFaults(file, () =>
          options.overwrite === true ? replaceFile(partial, file) : placeFile(partial, file),
        );
        return { file, bytes, pages, duration: clock.monotonic() - start };
      } finally {
        await removeWithSidecars(partial);
      }
    } finally {
      source.release();
    }
  }

  async #checkPlace(file: string, overwrite: boolean): Promise<void> {
    const taken = await Promise.all(
      ['', ...sidecarEndings].map((ending) => exists(`${file}${ending}`)),
    ).catch((error: unknown) => {
      throw placeError(file, error);
    });
    if (taken.slice(1).some(Boolean)) throw usedError(file);
    if (taken[0] === true && !overwrite) throw takenError(file);
  }

  #openSource(signal: AbortSignal | undefined): Promise<BackupSource> {
    return this.#options.memory ? this.#openMemory(signal) : this.#openFile();
  }

  async #openFile(): Promise<BackupSource> {
    const { filename, lockTimeout } = this.#options;
    if (!existsSync(filename)) {
      throw new ConfigurationError(
        `A backup of ${filename} was to be made, but there is no such file. Mend the path of the database.`,
      );
    }
    // The writer brings the write-ahead log into being, beside which others may go on.
    if (this.#lanes.writer.size === 0) await this.#lanes.writer.openFirst();
    return {
      copyInto: (target, options) =>
        copyDatabase(
          { source: filename, target, lockTimeout, check: options.check ?? true },
          filename,
          options,
        ),
      release: () => this.#lanes.shortenLog(),
    };
  }

  /** In memory there is one connection alone, so everybody waits while it is copied. */
  async #openMemory(signal: AbortSignal | undefined): Promise<BackupSource> {
    const { filename, lockTimeout } = this.#options;
    const connection = await this.#lanes.writer.take(signal);
    let isHeld = true;
    const release = (): void => {
      if (isHeld) connection.lane.giveBack(connection);
      isHeld = false;
    };
    return {
      release,
      async copyInto(target, options) {
        await copyConnection(connection.database, target, options);
        release();
        return copyDatabase(
          { source: undefined, target, lockTimeout, check: options.check ?? true },
          filename,
          options,
        );
      },
    };
  }
}

async function copyConnection(
  database: SqliteDatabase,
  target: string,
  { onProgress, signal }: CopyOptions,
): Promise<void> {
  try {
    await database.backUp(target, (done, total) => {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'copy', done, total });
    });
  } catch (error) {
    // Who closes it at the end of the deadline does not wait for this.
    if (database.closedBy !== undefined) throw database.closedBy;
    throw error instanceof Error && error.name === 'SqliteError' ? translateSqliteError(error) : error;
  }
}

function checkTarget(name: string, filename: string): string {
  const fault = findNameFault(name);
  if (fault !== undefined) throw new ConfigurationError([{ path: ['file'], message: fault }]);
  const file = resolve(name);
  if (file !== filename) return file;
  throw new ConfigurationError(
    `A backup of ${filename} was to be written over the database itself. Name another file.`,
  );
}

function findNameFault(name: string): string | undefined {
  if (typeof name !== 'string' || name === '') return 'must be the path of a file';
  if (name.includes('\0')) return 'must not hold a NUL character';
  if (name === ':memory:') return 'must be a file; a backup in memory would be gone at once';
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|(?:file|sqlite):)/i.test(name)) return 'must be a path, not a URL';
  return undefined;
}

async function namingFaults<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw fileCodeOf(error) === 'EEXIST' ? takenError(file) : placeError(file, error);
  }
}

function placeError(file: string, cause: unknown): ConfigurationError {
  return new ConfigurationError(
    `The backup ${file} cannot be written (${fileCodeOf(cause) ?? 'unknown'}). Its folder must be there, and writable.`,
    { cause },
  );
}

function takenError(file: string): ConfigurationError {
  return new ConfigurationError(
    `There is a file ${file} already, so no backup was written there. Name another one, or say that it may be overwritten.`,
  );
}

function usedError(file: string): ConfigurationError {
  return new ConfigurationError(
    `Beside ${file} lies a log of SQLite, so a database of that name may be in use, and no backup was written there. Name another file; "restore" is what replaces a database.`,
  );
}

function closedError(): PoolClosedError {
  return new PoolClosedError(
    'A backup was to be made after close() had begun. Nothing of it is left behind.',
  );
}
