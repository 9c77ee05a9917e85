import { CommanderError } from 'commander';
import { existsSync } from 'node:fs';
import { link, open, rm, type FileHandle } from 'node:fs/promises';
import process from 'node:process';
import { ConfigurationError } from '../core/index.ts';

/** How many characters are written at once. */
const enough = 64 * 1024;

/**
 * A new file that its owner alone may read, written little by little. Until it is whole it has another name. Whoever opens
 * one ends with `keep` or `drop`.
 */
export class NewFile {
  readonly #file: string;
  readonly #partial: string;
  readonly #handle: FileHandle;
  #pending = '';

  private constructor(file: string, partial: string, handle: FileHandle) {
    this.#file = file;
    this.#partial = partial;
    this.#handle = handle;
  }

  /**
   * @param file a name that is not taken
   * @throws CommanderError where the name is taken; ConfigurationError where no file can be made there
   */
  static async open(file: string): Promise<NewFile> {
    if (existsSync(file)) throw isTaken(file);
    const partial = `${file}.${process.pid}.partial`;
    return explaining(file, async () => new NewFile(file, partial, await open(partial, 'wx', 0o600)));
  }

  /** @throws ConfigurationError where it cannot be written */
  async write(text: string): Promise<void> {
    this.#pending += text;
    if (this.#pending.length >= enough) await explaining(this.#file, () => this.#flush());
  }

  /** Gives it its name. @throws as `open` does; it is gone then */
  async keep(): Promise<void> {
    try {
      await explaining(this.#file, async () => {
        await this.#flush();
        await this.#handle.sync();
        await this.#handle.close();
        // A link and no renaming, which would replace a file that was made meanwhile.
        await link(this.#partial, this.#file);
      });
    } catch (error) {
      await this.drop();
      throw error;
    }
    await rm(this.#partial);
  }

  /** Takes it away. Never throws: it is not what has happened first. */
  async drop(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#partial, { force: true }).catch(() => {});
  }

  async #flush(): Promise<void> {
    const text = this.#pending;
    this.#pending = '';
    await this.#handle.appendFile(text);
  }
}

/** Nobody has asked for the file that is written first: an error must not speak of it. */
async function explaining<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'link' && code === 'EEXIST') throw isTaken(file);
    throw new ConfigurationError(`The file ${file} cannot be written (${code}).`, { cause: error });
  }
}

function isTaken(file: string): CommanderError {
  return new CommanderError(2, 'liminal.misuse', `there is a file ${file} already; nothing was written`);
}
