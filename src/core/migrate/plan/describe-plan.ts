import type { MigrationPlan, PlannedDanger, PlannedMigration, PlannedStatement } from './migration-plan.ts';

/**
 * Writes a plan as lines of text for a reader at a terminal. The parameters of statements are no part of a plan, and
 * so of none of its lines.
 *
 * @param plan what `Migrator.plan` returned
 * @returns the lines, without line ends
 * @example
 * for (const line of describePlan(plan)) console.log(line);
 */
export function describePlan(plan: MigrationPlan): readonly string[] {
  if (plan.migrations.length === 0) return ['Nothing would run.'];
  const lines = plan.migrations.flatMap((migration) => [...describeMigration(migration), '']);
  const statements = plan.migrations.reduce((sum, migration) => sum + migration.statements.length, 0);
  const count = `${plan.migrations.length} migration(s), ${statements} statement(s), ${plan.dangers} danger(s) that nobody has reviewed.`;
  return [...lines, count, ...(plan.error === undefined ? [] : ['The plan ends early: a migration fails.'])];
}

function describeMigration(migration: PlannedMigration): readonly string[] {
  const { set, name, direction, transaction, statements, stale, error } = migration;
  return [
    `${set} ${name} (${direction}${transaction ? '' : ', without a transaction'})`,
    ...(statements.length === 0 ? ['  no statements'] : statements.flatMap(describeStatement)),
    ...stale.map(({ code, why }) => `  stale review: ${code}: ${why}`),
    ...(error === undefined ? [] : [`  error: ${error.message}`, ...describeCause(error.cause)]),
  ];
}

function describeCause(cause: unknown): readonly string[] {
  return cause instanceof Error ? [`    because: ${cause.message}`] : [];
}

function describeStatement(statement: PlannedStatement): readonly string[] {
  const { sql, parameters, locks, rewrites, measured, executed, destroys } = statement;
  const [first = '', ...more] = sql.trim().split('\n');
  const facts = [
    ...(parameters === 0 ? [] : [`${parameters} parameter(s)`]),
    ...locks
      .filter(({ mode }) => mode !== 'ACCESS SHARE')
      .map(({ table, mode }) => `locks ${table === undefined ? mode : `"${table}" ${mode}`}`),
    ...(rewrites === true ? ['rewrites the table'] : rewrites === undefined ? ['may rewrite the table'] : []),
    ...(measured ? ['measured'] : []),
    ...(executed === 'as written' ? [] : [`run in the plan: ${executed}`]),
  ];
  return [
    `  ${first}`,
    ...more.map((line) => `  ${line.trim()}`),
    ...(facts.length === 0 ? [] : [`    ${facts.join(', ')}`]),
    ...(destroys === undefined ? [] : [`    destroys: ${destroys}`]),
    ...statement.dangers.flatMap(describeDanger),
  ];
}

function describeDanger({ code, message, remedy, reviewed }: PlannedDanger): readonly string[] {
  if (reviewed !== undefined) return [`    reviewed ${code}: ${reviewed}`];
  return [`    DANGER ${code}: ${message}`, `      instead: ${remedy}`];
}
