import { MigrationError } from '../foundation/errors/migration-errors.ts';
import type { MigratableDatabase } from './migratable-database.ts';
import { readHistory } from './migration-history.ts';
import { requireReversible } from './migration-path.ts';
import type { MigrationSet } from './migration-set.ts';

/** How many steps each set takes, in the order in which they go. */
export interface SetSteps {
  /** The set. */
  readonly set: MigrationSet;
  /** How many of its migrations are taken back, from 1. */
  readonly steps: number;
}

/**
 * Makes sure that whatever some sets need has run, where it is not among them. For tools that run some of a project's
 * sets; `migrateToLatest` asks for all that it needs.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param chosen the sets that go up
 * @param all every set of the project
 * @throws MigrationError where a set that one of them requires has migrations that are pending
 * @throws ConnectionError where the database cannot be reached
 * @example
 * await requireNeeds(provider, [pets], [owners, pets]);
 */
export async function requireNeeds(
  { db, migrations }: MigratableDatabase,
  chosen: readonly MigrationSet[],
  all: readonly MigrationSet[],
): Promise<void> {
  const schema = await migrations.currentSchema?.(db);
  for (const set of chosen) {
    for (const needed of all.filter(({ name }) => set.requires?.includes(name) === true)) {
      if (chosen.includes(needed)) continue;
      const { length } = await readHistory(db, needed, schema);
      if (length === needed.migrations.length) continue;
      throw new MigrationError(
        `Set "${set.name}" requires set "${needed.name}", of which migrations are pending. Run those first. Nothing was run.`,
        set.name,
      );
    }
  }
}

/**
 * Shares the steps down among sets, the last set first, and makes sure before any of them is taken that all can be.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param chosen the sets that go down, in the order in which they go up
 * @param all every set of the project
 * @param steps how many in all, from 1
 * @returns the sets that have something to take back, and how many steps each takes
 * @throws MigrationError where one of them is irreversible, or a set that is not among them requires one of theirs
 * @throws ConnectionError where the database cannot be reached
 * @example
 * for (const { set, steps } of await shareStepsDown(provider, [pets], [owners, pets], 2))
 *   await new Migrator(provider, set).down(steps);
 */
export async function shareStepsDown(
  { db, migrations }: MigratableDatabase,
  chosen: readonly MigrationSet[],
  all: readonly MigrationSet[],
  steps: number,
): Promise<readonly SetSteps[]> {
  const schema = await migrations.currentSchema?.(db);
  const countOf = async (set: MigrationSet) => (await readHistory(db, set, schema)).length;
  const shares: SetSteps[] = [];
  let left = steps;
  for (const set of chosen.toReversed()) {
    const applied = await countOf(set);
    const share = Math.min(left, applied);
    if (share === 0) continue;
    for (const migration of set.migrations.slice(applied - share, applied))
      requireReversible(set, { migration, direction: 'down' });
    for (const other of all) {
      if (other.requires?.includes(set.name) !== true || chosen.includes(other)) continue;
      if ((await countOf(other)) > 0) throw neededError(set, other);
    }
    shares.push({ set, steps: share });
    left -= share;
  }
  return shares;
}

function neededError(set: MigrationSet, other: MigrationSet): MigrationError {
  return new MigrationError(
    `Set "${set.name}" was to go down, and set "${other.name}", which has run, requires it. Take that one back first. Nothing was run.`,
    set.name,
  );
}
