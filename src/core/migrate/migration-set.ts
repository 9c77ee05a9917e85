import { ValidationError } from '../foundation/errors/validation-error.ts';
import type { Issue } from '../foundation/issue.ts';
import { findMigrationFaults } from './define-migration.ts';
import type { Migration } from './migration.ts';

/** A migration and its place in a set: its name. */
export type NamedMigration = Migration & {
  /** Unique within its set; its place in the ascending order of names is its place in the history. */
  readonly name: string;
};

/** One history, recorded in tables of its own: `<name>_migration` and `<name>_migration_lock`. */
export interface MigrationSet {
  /** Lower-case letters, digits and underscores, at most 48 characters. */
  readonly name: string;
  /** The names of the sets that come before this one, because its migrations build on theirs. */
  readonly requires?: readonly string[];
  /** In ascending order of their names. */
  readonly migrations: readonly NamedMigration[];
}

// 63 bytes is the longest identifier of Postgres; "_migration_lock" takes 15 of them.
const setName = /^[a-z][a-z0-9_]{0,47}$/;
// ASCII alone, so that every engine and every machine sorts names alike. 255 is the ledger's column.
const migrationName = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,254}$/;

/**
 * Checks a migration set and freezes it. Plain data in, plain data out: the migrations themselves need to
 * import nothing of this library.
 *
 * @param set its name and its migrations, in the order in which they run
 * @returns a frozen copy
 * @throws ValidationError where there is no list of migrations; else with every fault: a name that does not fit, names that are not unique or not in
 *   ascending order (by code unit), and the faults of each migration; see `defineMigration`
 * @example
 * import * as first from './0001-notes.ts';
 *
 * export const notes = defineMigrationSet({
 *   name: 'notes',
 *   migrations: [{ name: '0001-notes', up: first.up, down: first.down }],
 * });
 */
export function defineMigrationSet(set: MigrationSet): MigrationSet {
  // A program without types may hand in anything.
  if (!Array.isArray((set as Partial<MigrationSet> | undefined)?.migrations)) {
    throw new ValidationError([{ path: ['migrations'], message: 'must be a list of migrations' }]);
  }
  const migrations = set.migrations.map((migration) => Object.freeze({ ...migration }));
  const requires = set.requires ?? [];
  const issues = [
    ...findNameFaults(set.name),
    ...findRequirementFaults(set.name, requires),
    ...migrations.flatMap(findFaults),
  ];
  if (issues.length > 0) throw new ValidationError(issues);
  return Object.freeze({
    name: set.name,
    requires: Object.freeze([...requires]),
    migrations: Object.freeze(migrations),
  });
}

function findNameFaults(name: string): Issue[] {
  const path = ['name'];
  if (!setName.test(name)) {
    return [
      {
        path,
        message: 'must be 1 to 48 lower-case letters, digits and underscores, the first of them a letter',
      },
    ];
  }
  // SQLite keeps names that begin so for itself, and its introspection leaves them out.
  return name.startsWith('sqlite') ? [{ path, message: 'must not begin with "sqlite"' }] : [];
}

function findRequirementFaults(name: string, requires: readonly string[]): Issue[] {
  return requires.flatMap((required, index) => {
    const path = ['requires', index];
    if (!setName.test(required)) return [{ path, message: 'must be the name of a migration set' }];
    return required === name ? [{ path, message: 'must be another set' }] : [];
  });
}

function findFaults(migration: NamedMigration, index: number, all: readonly NamedMigration[]): Issue[] {
  const path = ['migrations', index];
  const previous = all[index - 1];
  const issues: Issue[] = [];
  if (!migrationName.test(migration.name)) {
    issues.push({
      path: [...path, 'name'],
      message:
        'must be 1 to 255 ASCII letters, digits and _ . : - signs, the first of them a letter or digit',
    });
  } else if (previous !== undefined && migration.name <= previous.name) {
    issues.push({ path: [...path, 'name'], message: 'must come after the name of the migration before it' });
  }
  return [...issues, ...findMigrationFaults(migration, path)];
}
