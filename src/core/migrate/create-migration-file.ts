/** Writes the skeleton of a new migration. It lists it nowhere: the set's index.ts is edited by hand. */
import { createNumberedFile } from './numbered-file.ts';

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
  const file = await createNumberedFile({ ...options, contents: 'migrations', skeletonOf });
  const { path, name, identifier } = file;
  return {
    path,
    name,
    importLine: `import * as ${identifier} from './${name}.ts';`,
    entryLine: `{ name: '${name}', ...${identifier} },`,
  };
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
