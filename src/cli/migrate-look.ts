/** The verbs that look at a database and change nothing: `migrate status|plan|verify`. */
import type { Command } from 'commander';
import {
  Migrator,
  describePlan,
  describeVerification,
  planLatest,
  verifyMigrations,
} from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { chooseTarget, findingsExitCode, type MigrateOptions } from './migrate-options.ts';
import { withProvider } from './open-database.ts';

interface PlanOptions extends MigrateOptions {
  readonly strict?: boolean;
}

const failedExitCode = 1;

/** Adds the verbs that look. */
export function addLookVerbs(cli: Cli, add: (usage: string, description: string) => Command): void {
  add('status', 'tell what has run and what is pending; exit code 3 where something is').action(
    (_, command: Command) => showStatus(cli, command.optsWithGlobals<MigrateOptions>()),
  );
  add('plan', 'show the SQL of what would run, what it locks and what is dangerous in it')
    .option('--strict', 'exit code 3 where there is a danger that nobody has reviewed')
    .action((_, command: Command) => showPlan(cli, command.optsWithGlobals<PlanOptions>()));
  add(
    'verify',
    'hold the database against its records; exit code 3 where something is not as recorded',
  ).action((_, command: Command) => verify(cli, command.optsWithGlobals<MigrateOptions>()));
}

async function showStatus(cli: Cli, options: MigrateOptions): Promise<void> {
  const { database, label, sets } = await chooseTarget(cli, options, { mustExist: true });
  const statuses = await withProvider(database, async (provider) => {
    const found = [];
    for (const set of sets)
      found.push({ set: set.name, migrations: await new Migrator(provider, set).status() });
    return found;
  });
  let pending = 0;
  for (const { set, migrations } of statuses) {
    for (const { name, appliedAt } of migrations) {
      if (appliedAt === undefined) pending += 1;
      cli.output.line(
        `${set}  ${name}  ${appliedAt === undefined ? 'pending' : new Date(appliedAt).toISOString()}`,
      );
    }
  }
  cli.output.line(`${pending} pending on ${label}.`);
  cli.output.document({
    database: label,
    pending,
    sets: statuses.map(({ set, migrations }) => ({
      set,
      migrations: migrations.map(({ name, appliedAt = null }) => ({ name, appliedAt })),
    })),
  });
  if (pending > 0) cli.exitCode = findingsExitCode;
}

async function showPlan(cli: Cli, options: PlanOptions): Promise<void> {
  const { database, label, sets } = await chooseTarget(cli, options, { mustExist: true });
  const plan = await withProvider(database, (provider) => planLatest(provider, sets));
  for (const line of describePlan(plan)) cli.output.line(line);
  const { error, ...rest } = plan;
  cli.output.document({ database: label, ...rest, error: error?.message ?? null });
  if (error !== undefined) cli.exitCode = failedExitCode;
  else if (options.strict === true && plan.dangers > 0) cli.exitCode = findingsExitCode;
}

async function verify(cli: Cli, options: MigrateOptions): Promise<void> {
  const { database, label, sets } = await chooseTarget(cli, options, { mustExist: true });
  const verification = await withProvider(database, (provider) => verifyMigrations(provider, sets));
  for (const line of describeVerification(verification)) cli.output.line(line);
  cli.output.line(
    verification.isSound ? `${label} is as recorded.` : `${label} is not as recorded. Nothing was changed.`,
  );
  cli.output.document({ database: label, ...verification });
  if (!verification.isSound) cli.exitCode = findingsExitCode;
}
