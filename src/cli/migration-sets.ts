import { CommanderError } from 'commander';
import { auditMigrations } from '../../migrations/audit/index.ts';
import { chatMigrations } from '../../migrations/chat/index.ts';
import { healthMigrations } from '../../migrations/health/index.ts';
import { legacyMigrations } from '../../migrations/legacy/index.ts';
import { outboxMigrations } from '../../migrations/outbox/index.ts';
import { sagaMigrations } from '../../migrations/saga/index.ts';
import { tokenMigrations } from '../../migrations/token/index.ts';
import { MigrationError } from '../core/index.ts';
import { orderSets, type MigrationSet } from '../core/migrate/index.ts';

/** What a project has that names no migrations of its own. */
const packageSets: readonly MigrationSet[] = [
  auditMigrations,
  chatMigrations,
  healthMigrations,
  outboxMigrations,
  sagaMigrations,
  tokenMigrations,
];

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * Chooses the migration sets of a verb.
 *
 * @param configured the project's own, which replace the package's
 * @param names of those that were asked for; all where it is undefined
 * @returns them in the order in which they go up
 * @throws ConfigurationError where sets do not fit each other
 * @throws CommanderError where no set has one of the names
 */
export function chooseSets(
  configured: readonly MigrationSet[] | undefined,
  names: readonly string[] | undefined,
): readonly MigrationSet[] {
  const sets = orderSets(configured ?? packageSets);
  if (names === undefined) return sets;
  const known = sets.map((set) => set.name);
  if (!names.every((name) => known.includes(name))) {
    throw misuse(`there is no migration set of a name that --set gives; there are: ${known.join(', ')}`);
  }
  return sets.filter((set) => names.includes(set.name));
}

/**
 * The migration sets that may have run in a database: those of `chooseSets`, and where the project names none of its own
 * also the package's that only a verb of their own brings.
 *
 * @param configured the project's own
 * @returns them in the order in which they go up
 * @throws ConfigurationError where sets do not fit each other
 */
export function setsThatMayHaveRun(configured: readonly MigrationSet[] | undefined): readonly MigrationSet[] {
  return orderSets(configured ?? [...packageSets, legacyMigrations]);
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
