import { CommanderError } from 'commander';
import { chatMigrations } from '../../migrations/chat/index.ts';
import { healthMigrations } from '../../migrations/health/index.ts';
import { outboxMigrations } from '../../migrations/outbox/index.ts';
import { sagaMigrations } from '../../migrations/saga/index.ts';
import { ConfigurationError, MigrationError } from '../core/index.ts';
import { defineMigrationSet, type MigrationSet } from '../core/migrate/index.ts';

/** What a project has that names no migrations of its own. */
const packageSets: readonly MigrationSet[] = [
  chatMigrations,
  healthMigrations,
  outboxMigrations,
  sagaMigrations,
];

/**
 * Chooses the migration sets of a verb.
 *
 * @param configured the project's own, which replace the package's
 * @param name of the one that was asked for; all where it is undefined
 * @throws ConfigurationError where two sets have one name, so that they would share a record
 * @throws CommanderError where no set has the name
 */
export function chooseSets(
  configured: readonly MigrationSet[] | undefined,
  name: string | undefined,
): readonly MigrationSet[] {
  const sets = (configured ?? packageSets).map(defineMigrationSet);
  const names = sets.map((set) => set.name);
  if (new Set(names).size < names.length) {
    throw new ConfigurationError([{ path: ['migrations'], message: 'two sets have the same name' }]);
  }
  if (name === undefined) return sets;
  const chosen = sets.filter((set) => set.name === name);
  if (chosen.length > 0) return chosen;
  throw misuse(`there is no migration set of the name that --set gives; there are: ${names.join(', ')}`);
}

/**
 * Finds the one set that has a migration.
 *
 * @throws MigrationError where none has it
 * @throws CommanderError where several have it
 */
export function findSetOf(sets: readonly MigrationSet[], migration: string): MigrationSet {
  const found = sets.filter((set) => set.migrations.some(({ name }) => name === migration));
  const [first, second] = found;
  const names = sets.map((set) => set.name).join(', ');
  if (first === undefined) {
    throw new MigrationError(
      `No migration of the name that was asked for is in: ${names}. Nothing was run.`,
      names,
    );
  }
  if (second !== undefined) {
    throw misuse(
      `several sets have that migration; say which with --set: ${found.map(({ name }) => name).join(', ')}`,
    );
  }
  return first;
}

function misuse(message: string): CommanderError {
  return new CommanderError(2, 'liminal.misuse', message);
}
