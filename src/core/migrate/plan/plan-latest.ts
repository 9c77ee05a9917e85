import type { Clock } from '../../foundation/clock.ts';
import type { MigratableDatabase } from '../migratable-database.ts';
import { readHistory } from '../migration-history.ts';
import { listSteps } from '../migration-path.ts';
import type { MigrationSet } from '../migration-set.ts';
import { orderSets } from '../order-sets.ts';
import type { MigrationPlan } from './migration-plan.ts';
import { planMigrations, type PlanStep } from './plan-migrations.ts';

/** How a plan waits. */
export interface PlanLatestOptions {
  /** Where time comes from; the machine's by default. */
  readonly clock?: Clock;
  /** The longest wait for a lock, in ms from 1; 2,000 by default. */
  readonly lockTimeout?: number;
}

/**
 * Plans everything that is pending in some migration sets, in the order in which it would run.
 *
 * @param database a DatabaseProvider, or whatever has its `db` and `migrations`
 * @param sets the histories
 * @param options how it waits
 * @returns the plan; nothing of it was kept
 * @throws ConfigurationError where the sets do not fit each other
 * @throws MigrationError where a history does not fit its set, or a lock is not granted in time
 * @throws ConnectionError where the database cannot be reached
 * @example
 * for (const line of describePlan(await planLatest(provider, [notes]))) console.log(line);
 */
export async function planLatest(
  { db, migrations }: MigratableDatabase,
  sets: readonly MigrationSet[],
  options: PlanLatestOptions = {},
): Promise<MigrationPlan> {
  const schema = await migrations.currentSchema?.(db);
  const steps: PlanStep[] = [];
  for (const set of orderSets(sets, { areSome: true })) {
    const { length } = await readHistory(db, set, schema);
    const total = set.migrations.length;
    const pending = listSteps(set, (applied) => (applied < total ? 'up' : undefined), length, total);
    steps.push(...pending.map((step) => ({ ...step, set: set.name })));
  }
  return db
    .connection()
    .execute((connection) => planMigrations(connection, { ...options, steps, traits: migrations, schema }));
}
