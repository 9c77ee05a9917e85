import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NewFile } from './new-file.ts';

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
  const target = await NewFile.open(file);
  try {
    for await (const line of lines) await target.write(line);
  } catch (error) {
    await target.drop();
    throw error;
  }
  await target.keep();
}
