/** Plans of single statements and of sets, as the Migrator asks for them. */
import { sql } from 'kysely';
import type { DatabaseProvider } from '../../../../src/core/index.ts';
import type { MigrationSet, NamedMigration } from '../../../../src/core/migrate/index.ts';
import type { MigrationPlan, PlannedStatement } from '../../../../src/core/migrate/plan/migration-plan.ts';
import { planMigrations, type PlanOptions } from '../../../../src/core/migrate/plan/plan-migrations.ts';
import type { MigrationDirection } from '../../../../src/core/migrate/run-migration.ts';

/** Plans migrations of one set. */
export async function planOf(
  provider: DatabaseProvider<any>,
  migrations: readonly NamedMigration[],
  direction: MigrationDirection = 'up',
  options: Partial<PlanOptions> = {},
): Promise<MigrationPlan> {
  const steps = migrations.map((migration) => ({ set: 'notes', migration, direction }));
  const schema = await provider.migrations.currentSchema?.(provider.db);
  return provider.db
    .connection()
    .execute((connection) =>
      planMigrations(connection, { steps, traits: provider.migrations, schema, ...options }),
    );
}

/** Plans whole sets, on their way up, or down from their end. */
export async function planSets(
  provider: DatabaseProvider<any>,
  sets: readonly MigrationSet[],
  direction: MigrationDirection = 'up',
): Promise<MigrationPlan> {
  const steps = sets.flatMap(({ name, migrations }) =>
    migrations.map((migration) => ({ set: name, migration, direction })),
  );
  return planOf(provider, [], direction, { steps: direction === 'up' ? steps : steps.reverse() });
}

/** A migration that sends texts as they are. */
export function sending(
  texts: readonly string[],
  terms: Partial<Pick<NamedMigration, 'transaction' | 'destructive' | 'reviewed' | 'foreignKeys'>> = {},
  name = '0001-sends',
): NamedMigration {
  return {
    name,
    async up(db) {
      for (const text of texts) await sql.raw(text).execute(db);
    },
    down: () => Promise.resolve(),
    ...terms,
  };
}

/** The codes of every danger of a plan. */
export function codesOf({ migrations }: MigrationPlan): readonly string[] {
  return statementsOf(migrations).flatMap(({ dangers }) => dangers.map(({ code }) => code));
}

export function statementsOf(migrations: MigrationPlan['migrations']): readonly PlannedStatement[] {
  return migrations.flatMap(({ statements }) => statements);
}
