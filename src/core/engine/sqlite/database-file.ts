import { statSync } from 'node:fs';
import { DatabaseMovedError } from '../../foundation/errors/statement-errors.ts';

/** How long a look at the file holds good, in ms: what is written into a file that is gone since is lost. */
const lookEvery = 250;

/** What tells two files of one name apart. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
}

/**
 * Whether the file that is open still lies at its path. SQLite goes on writing into a file that was deleted or
 * moved, as if nothing had happened, and what it wrote is gone with the process. While the file is away nothing is
 * read or written; when it is back, the same file, all goes on.
 */
export class DatabaseFile {
  readonly #path: string;
  #file: FileIdentity | undefined;
  #log: FileIdentity | undefined;
  #lookedAt = -lookEvery;

  /** @param path absolute, since the working directory may change */
  constructor(path: string) {
    this.#path = path;
  }

  /** Which file has the name at this moment. Ask when one was opened and nothing has been done with it yet. */
  identify(): FileIdentity | undefined {
    return identify(this.#path);
  }

  /**
   * Asks whether the file that a connection was opened on still has the name. While the connection waits for
   * somebody's lock, a restore may put another file there, whose log this connection must not write.
   *
   * @param opened what `identify` said when it was opened
   * @throws DatabaseMovedError where it has not
   */
  keep(opened: FileIdentity | undefined): void {
    if (!isSame(identify(this.#path), opened)) throw movedError(this.#path);
  }

  /**
   * Call it when a connection was opened: the first one says which file it is.
   *
   * @throws DatabaseMovedError where it is another file than before
   */
  settle(): void {
    this.#file ??= identify(this.#path);
    this.#look();
  }

  /**
   * Looks at the file, where the last look is too long ago.
   *
   * @param now in ms of a monotonic clock
   * @throws DatabaseMovedError where it is not there, or is another one
   */
  check(now: number): void {
    if (this.#file === undefined || now - this.#lookedAt < lookEvery) return;
    this.#look();
    this.#lookedAt = now;
  }

  /**
   * Looks at the file at once. Call it before a connection is opened: that would make a new, empty file.
   *
   * @param isOnly whether no other is open; the last one that closed took its write-ahead log with it
   * @throws DatabaseMovedError where it is not there, or is another one
   */
  checkNow(isOnly: boolean): void {
    if (isOnly) this.#log = undefined;
    if (this.#file !== undefined) this.#look();
  }

  /** Ends the watch: closing takes the write-ahead log away, and that is no move. */
  forget(): void {
    this.#file = undefined;
  }

  #look(): void {
    // A failed look is not remembered, so that each statement looks again.
    this.#lookedAt = -lookEvery;
    if (!isSame(identify(this.#path), this.#file)) throw movedError(this.#path);
    const log = identify(`${this.#path}-wal`);
    this.#log ??= log;
    if (!isSame(log, this.#log)) throw movedError(`${this.#path}-wal`);
  }
}

function identify(path: string): FileIdentity | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && { device: stat.dev, inode: stat.ino };
}

function isSame(one: FileIdentity | undefined, other: FileIdentity | undefined): boolean {
  return one?.inode === other?.inode && one?.device === other?.device;
}

function movedError(path: string): DatabaseMovedError {
  return new DatabaseMovedError(
    `${path} was deleted, moved or replaced while it was open, so nothing is read or written. Put the file back, or close the provider and open what is there now.`,
  );
}
