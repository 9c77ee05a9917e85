import type { LiminalConfig, MigrationSet } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { chooseSets } from './migration-sets.ts';
import {
  chooseDatabase,
  requireDatabaseFile,
  type ChosenDatabase,
  type DatabaseOptions,
} from './open-database.ts';

/** What every verb of `migrate` is given. */
export interface MigrateOptions extends DatabaseOptions {
  /** The names of the sets; all where none is named. */
  readonly set?: readonly string[];
  /** Whether a backup is made first. */
  readonly backup?: boolean;
}

/** What a verb of `migrate` works on. */
export interface MigrateTarget extends ChosenDatabase {
  /** Those that were asked for, in the order in which they go up. */
  readonly sets: readonly MigrationSet[];
  /** All of the project. */
  readonly all: readonly MigrationSet[];
}

/** What a verb ends with where something is pending, has drifted or is dangerous. */
export const findingsExitCode = 3;

/**
 * Finds the database and the sets of a verb.
 *
 * @param mustExist whether a SQLite file has to be there: a verb that only looks makes none
 */
export async function chooseTarget(
  cli: Cli,
  options: MigrateOptions,
  { mustExist = false }: { readonly mustExist?: boolean } = {},
): Promise<MigrateTarget> {
  const chosen = await chooseDatabase(cli, options);
  if (mustExist) requireDatabaseFile(chosen.database);
  const sets = chooseProjectSets(cli, chosen.project, options.set);
  return { ...chosen, sets, all: chooseSets(chosen.project.migrations, undefined) };
}

function chooseProjectSets(
  cli: Cli,
  { migrations }: LiminalConfig,
  names: readonly string[] | undefined,
): readonly MigrationSet[] {
  const sets = chooseSets(migrations, names);
  // Whoever stands in the wrong folder must hear that these are not the project's migrations.
  if (migrations === undefined && names === undefined) {
    const list = sets.map(({ name }) => name).join(', ');
    cli.output.line(`No liminal.config with migrations here; these are the package's own sets: ${list}.`);
  }
  return sets;
}
