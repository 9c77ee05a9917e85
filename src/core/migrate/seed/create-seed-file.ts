/** Writes the skeleton of a new seed. It lists it nowhere: liminal.config.ts is edited by hand. */
import { createNumberedFile } from '../numbered-file.ts';

/** Where a new seed goes and what it is called. */
export interface SeedFileOptions {
  /** Made where it is not there. */
  readonly folder: string;
  /** What the seed brings: lower-case words and digits with hyphens, at most 100 characters. */
  readonly name: string;
}

/** A seed file that was written. */
export interface CreatedSeedFile {
  /** The file, below the folder that was asked for. */
  readonly path: string;
  /** The seed's name: its number and what it brings. */
  readonly name: string;
  /** The line for the top of liminal.config.ts. */
  readonly importLine: string;
  /** The line for the end of its list of seeds. */
  readonly entryLine: string;
}

/**
 * Writes `NNNN-name.ts` with the next free number. Its `run` throws until it is written, so that a forgotten
 * skeleton is not recorded as done.
 *
 * @param options the folder, and the name without its number
 * @returns the path, and the two lines that liminal.config.ts needs
 * @throws ValidationError where the name is no slug
 * @throws ConfigurationError where the folder cannot be written, or has used up its numbers
 * @example
 * const { path } = await createSeedFile({ folder: 'seeds', name: 'plans' });
 * // seeds/0001-plans.ts
 */
export async function createSeedFile(options: SeedFileOptions): Promise<CreatedSeedFile> {
  const { folder } = options;
  const { path, name, identifier } = await createNumberedFile({ ...options, contents: 'seeds', skeletonOf });
  const local = identifier.replace('m', 'seed');
  const place = folder.startsWith('.') || folder.startsWith('/') ? folder : `./${folder}`;
  return {
    path,
    name,
    importLine: `import { seed as ${local} } from '${place.replace(/\/$/, '')}/${name}.ts';`,
    entryLine: `${local},`,
  };
}

function skeletonOf(name: string): string {
  return `import { defineSeed } from 'liminal-data/migrate';

/** Say what this seed brings, and who needs it. For rows that may be there already there is upsertRows. */
export const seed = defineSeed({
  name: '${name}',
  async run(db) {
    throw new Error('${name}: run is not written yet');
  },
});
`;
}
