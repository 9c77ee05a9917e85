import { InvalidArgumentError, type Command } from 'commander';
import type { DatabaseProvider } from '../core/index.ts';
import {
  createMigrationFile,
  Migrator,
  type LiminalConfig,
  type MigrationReport,
  type MigrationSet,
  type MigrationStep,
} from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';
import { chooseSets, findSetOf } from './migration-sets.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

interface MigrateOptions extends DatabaseOptions {
  readonly set?: string;
}

const pendingExitCode = 3;
const defaultFolder = 'migrations';

/** Adds the verbs `migrate up|down|to|latest|status|make`. */
export function addMigrateCommand(program: Command, cli: Cli): void {
  const migrate = program.command('migrate').description('bring the database to a place in its history');
  const add = (usage: string, description: string): Command =>
    migrate
      .command(usage)
      .description(description)
      .option('--set <name>', 'one migration set; else all, in their order');

  add('up', 'run the next migrations')
    .argument('[steps]', 'how many', parseSteps, 1)
    .action((steps: number, _, command: Command) =>
      runSets(cli, command, (sets, provider) => runUp(cli, sets, provider, steps)),
    );
  add('down', 'take the last migrations back')
    .argument('[steps]', 'how many, or "all"', parseStepsOrAll, 1)
    .action((steps: number, _, command: Command) =>
      runSets(cli, command, (sets, provider) => runDown(cli, sets, provider, steps)),
    );
  add('to', 'go up or down until a migration is the last one')
    .argument('<name>', 'the migration')
    .action((name: string, _, command: Command) =>
      runSets(cli, command, async (sets, provider) => [
        await createMigrator(cli, provider, findSetOf(sets, name)).to(name),
      ]),
    );
  add('latest', 'run everything that is pending').action((_, command: Command) =>
    runSets(cli, command, (sets, provider) => runUp(cli, sets, provider, Number.MAX_SAFE_INTEGER)),
  );
  add('status', 'tell what has run and what is pending; exit code 3 where something is').action(
    (_, command: Command) => showStatus(cli, command.optsWithGlobals<MigrateOptions>()),
  );
  migrate
    .command('make')
    .description('write the skeleton of a new migration')
    .argument('<name>', 'what it does, such as add-labels')
    .action((name: string, _, command: Command) =>
      makeFile(cli, command.optsWithGlobals<MigrateOptions>(), name),
    );
}

function chooseProjectSets(
  cli: Cli,
  project: LiminalConfig,
  options: MigrateOptions,
): readonly MigrationSet[] {
  const sets = chooseSets(project.migrations, options.set);
  // Whoever stands in the wrong folder must hear that these are not the project's migrations.
  if (project.migrations === undefined && options.set === undefined) {
    const names = sets.map(({ name }) => name).join(', ');
    cli.output.line(`No liminal.config with migrations here; these are the package's own sets: ${names}.`);
  }
  return sets;
}

type RunSets = (
  sets: readonly MigrationSet[],
  provider: DatabaseProvider<unknown>,
) => Promise<readonly MigrationReport[]>;

async function runSets(cli: Cli, command: Command, run: RunSets): Promise<void> {
  const options = command.optsWithGlobals<MigrateOptions>();
  const { database, label, project } = await chooseDatabase(cli, options);
  const sets = chooseProjectSets(cli, project, options);
  const reports = await withProvider(database, (provider) => run(sets, provider));
  const count = reports.reduce((sum, { applied }) => sum + applied.length, 0);
  cli.output.line(
    count === 0
      ? `Nothing to do on ${label}.`
      : `${count} ${count === 1 ? 'migration' : 'migrations'} run on ${label}.`,
  );
  cli.output.document({ database: label, sets: reports });
}

async function runUp(
  cli: Cli,
  sets: readonly MigrationSet[],
  provider: DatabaseProvider<unknown>,
  steps: number,
): Promise<readonly MigrationReport[]> {
  return spendSteps(sets, steps, (set, left) => createMigrator(cli, provider, set).up(left));
}

async function runDown(
  cli: Cli,
  sets: readonly MigrationSet[],
  provider: DatabaseProvider<unknown>,
  steps: number,
): Promise<readonly MigrationReport[]> {
  // Later sets may build on earlier ones, so they go first.
  return spendSteps(sets.toReversed(), steps, (set, left) => createMigrator(cli, provider, set).down(left));
}

async function spendSteps(
  sets: readonly MigrationSet[],
  steps: number,
  run: (set: MigrationSet, left: number) => Promise<MigrationReport>,
): Promise<readonly MigrationReport[]> {
  const reports: MigrationReport[] = [];
  let left = steps;
  for (const set of sets) {
    if (left === 0) break;
    const report = await run(set, left);
    left -= report.applied.length;
    reports.push(report);
  }
  return reports;
}

function createMigrator(cli: Cli, provider: DatabaseProvider<unknown>, set: MigrationSet): Migrator {
  const onStep = ({ name, direction, duration }: MigrationStep): void =>
    cli.output.line(`${set.name}  ${direction.padEnd(4)}  ${name}  ${Math.round(duration)} ms`);
  return new Migrator(provider, set, { onStep });
}

async function showStatus(cli: Cli, options: MigrateOptions): Promise<void> {
  const { database, label, project } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const sets = chooseProjectSets(cli, project, options);
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
  if (pending > 0) cli.exitCode = pendingExitCode;
}

async function makeFile(cli: Cli, options: MigrateOptions, name: string): Promise<void> {
  const { migrationsFolder = defaultFolder } = await loadConfig(cli.cwd, options.config);
  const created = await createMigrationFile({ folder: migrationsFolder, name });
  cli.output.line(`Wrote ${created.path}. List it in the index.ts beside it:`);
  cli.output.line(`  ${created.importLine}`);
  cli.output.line(`  ${created.entryLine}`);
  cli.output.document(created);
}

function parseSteps(text: string): number {
  const steps = Number(text);
  if (/^\d+$/.test(text) && steps >= 1 && Number.isSafeInteger(steps)) return steps;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

function parseStepsOrAll(text: string): number {
  return text === 'all' ? Number.MAX_SAFE_INTEGER : parseSteps(text);
}
