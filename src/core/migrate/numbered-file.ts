/** Writes the skeleton of a file whose name begins with the next free number of its folder. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';

/** Where a new file goes and what stands in it. */
export interface NumberedFileOptions {
  /** Made where it is not there. */
  readonly folder: string;
  /** Lower-case words and digits with hyphens, at most 100 characters. */
  readonly name: string;
  /** What lies in the folder, in the plural, for errors. */
  readonly contents: string;
  /** @returns the text of a file of that name, its number with it */
  skeletonOf(name: string): string;
}

/** A file that was written. */
export interface NumberedFile {
  /** Below the folder that was asked for. */
  readonly path: string;
  /** The number and the words. */
  readonly name: string;
  /** A name for the module: of the number, since the words may be reserved, or the same ones as before. */
  readonly identifier: string;
}

const fileName = /^(\d{4})-[a-z0-9-]+\.[cm]?[jt]s$/;
const slug = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const longest = 100;
const lastNumber = 9999;

/**
 * Writes `NNNN-name.ts`. A file that is there is never written over.
 *
 * @throws ValidationError where the name is no slug
 * @throws ConfigurationError where the folder cannot be written, or has used up its numbers
 */
export async function createNumberedFile(options: NumberedFileOptions): Promise<NumberedFile> {
  const { folder, contents } = options;
  if (!slug.test(options.name) || options.name.length > longest) {
    throw new ValidationError([
      {
        path: ['name'],
        message: `must be lower-case words and digits with hyphens between them, at most ${longest} characters, such as add-labels`,
      },
    ]);
  }
  try {
    await mkdir(folder, { recursive: true });
    const number = await findNextNumber(folder);
    const name = `${number}-${options.name}`;
    const path = join(folder, `${name}.ts`);
    await writeFile(path, options.skeletonOf(name), { flag: 'wx' });
    return { path, name, identifier: `m${number}` };
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new ConfigurationError(`The folder "${folder}" of ${contents} cannot be written (${code}).`, {
      cause,
    });
  }
}

async function findNextNumber(folder: string): Promise<string> {
  const taken = (await readdir(folder)).map((name) => Number(fileName.exec(name)?.[1] ?? 0));
  const next = Math.max(0, ...taken) + 1;
  if (next > lastNumber) {
    throw new ConfigurationError(
      `The folder "${folder}" has used up its numbers: ${lastNumber} is the last.`,
    );
  }
  return String(next).padStart(4, '0');
}
