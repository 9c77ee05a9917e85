import { CommanderError } from 'commander';
import { createWriteStream, existsSync } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigurationError } from '../core/index.ts';

/**
 * Writes lines to stdout, as fast as whoever reads them takes them. That nobody does any more is no fault.
 *
 * @param lines with their ends
 */
export async function printLines(lines: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(lines), process.stdout, { end: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

/**
 * Writes lines into a new file that its owner alone may read. A file that is not whole never has the name.
 *
 * @param file a name that is not taken
 * @param lines with their ends
 * @throws CommanderError where the name is taken; ConfigurationError where no file can be made there
 */
export async function writeLines(file: string, lines: AsyncIterable<string>): Promise<void> {
  if (existsSync(file)) throw isTaken(file);
  const partial = `${file}.${process.pid}.partial`;
  try {
    await pipeline(
      Readable.from(lines),
      createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
    );
    // A link and no renaming, which would replace a file that was made meanwhile.
    await link(partial, file);
  } catch (error) {
    // That it cannot be taken away either is not what has happened first.
    await rm(partial, { force: true }).catch(() => {});
    throw explain(error, file, partial);
  }
  await rm(partial);
}

/** Nobody has asked for the file that is written first: an error must not speak of it. */
function explain(error: unknown, file: string, partial: string): unknown {
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (path !== partial) return error;
  if (syscall === 'link' && code === 'EEXIST') return isTaken(file);
  return new ConfigurationError(`The file ${file} cannot be written (${code}).`, { cause: error });
}

function isTaken(file: string): CommanderError {
  return new CommanderError(2, 'liminal.misuse', `there is a file ${file} already; nothing was written`);
}
