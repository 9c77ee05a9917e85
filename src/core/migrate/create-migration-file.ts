/** Writes the skeleton of a new migration. It lists it nowhere: the set's index.ts is edited by hand. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../foundation/errors/configuration-error.ts';
import { ValidationError } from '../foundation/errors/validation-error.ts';

/** Where a new migration goes and what it is called. */
export interface MigrationFileOptions {
  /** The set's folder; made where it is not there. */
  readonly folder: string;
  /** What the migration does: lower-case words and digits with hyphens, at most 100 characters. */
  readonly name: string;
}

/** A migration file that was written. */
export interface CreatedMigrationFile {
  /** The file, below the folder that was asked for. */
  readonly path: string;
  /** The migration's name: its number and what it does. */
  readonly name: string;
  /** The line for the top of the set's index.ts. */
  readonly importLine: string;
  /** The line for the end of its list. */
  readonly entryLine: string;
}

const fileName = /^(\d{4})-[a-z0-9-]+\.[cm]?[jt]s$/;
const slug = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const longest = 100;
const lastNumber = 9999;

/**
 * Writes `NNNN-name.ts` with the next free number. Its `up` and `down` throw until they are written, so
 * that a forgotten skeleton is not recorded as done.
 *
 * @param options the folder, and the name without its number
 * @returns the path, and the two lines that the set's index.ts needs
 * @throws ValidationError where the name is no slug
 * @throws ConfigurationError where the folder cannot be written, or has used up its numbers
 * @example
 * const { path } = await createMigrationFile({ folder: 'migrations', name: 'add-labels' });
 * // migrations/0001-add-labels.ts
 */
export async function createMigrationFile(options: MigrationFileOptions): Promise<CreatedMigrationFile> {
  const { folder } = options;
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
    await writeFile(path, skeletonOf(name), { flag: 'wx' });
    // The number, not the words: those may be a reserved word, or the same ones as before.
    const identifier = `m${number}`;
    return {
      path,
      name,
      importLine: `import * as ${identifier} from './${name}.ts';`,
      entryLine: `{ name: '${name}', up: ${identifier}.up, down: ${identifier}.down },`,
    };
  } catch (cause) {
    if (cause instanceof ConfigurationError) throw cause;
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new ConfigurationError(`The folder "${folder}" of migrations cannot be written (${code}).`, {
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

function skeletonOf(name: string): string {
  return `import type { Kysely } from 'kysely';
import type { ColumnHelpers } from 'liminal-data/migrate';

/** Say what this migration does, and why. */
export async function up(db: Kysely<unknown>, t: ColumnHelpers): Promise<void> {
  throw new Error('${name}: up is not written yet');
}

/** Takes back everything that \`up\` made. */
export async function down(db: Kysely<unknown>, t: ColumnHelpers): Promise<void> {
  throw new Error('${name}: down is not written yet');
}
`;
}
