/** The verbs that run migrations: `migrate up|down|to|latest|redo`. */
import { InvalidArgumentError, type Command } from 'commander';
import type { DatabaseProvider } from '../core/index.ts';
import {
  Migrator,
  requireNeeds,
  shareStepsDown,
  type MigrationReport,
  type MigrationSet,
  type MigrationStep,
} from '../core/migrate/index.ts';
import { backUpFirst } from './backup-command.ts';
import type { Cli } from './cli.ts';
import { chooseTarget, type MigrateOptions, type MigrateTarget } from './migrate-options.ts';
import { findSetOf } from './migration-sets.ts';
import { withProvider } from './open-database.ts';

type AddVerb = (usage: string, description: string) => Command;

/** The sets that were asked for, and all of the project. */
type Sets = Pick<MigrateTarget, 'sets' | 'all'>;

type RunSets = (target: Sets, provider: DatabaseProvider<unknown>) => Promise<readonly MigrationReport[]>;

/** Adds the verbs that change the schema. */
export function addRunVerbs(cli: Cli, addVerb: AddVerb): void {
  const add: AddVerb = (usage, description) =>
    addVerb(usage, description).option('--backup', 'make a backup of a SQLite database first, and name it');
  add('up', 'run the next migrations')
    .argument('[steps]', 'how many', parseSteps, 1)
    .action((steps: number, _, command: Command) =>
      run(cli, command, (target, provider) => runUp(cli, target, provider, steps)),
    );
  add('down', 'take the last migrations back')
    .argument('[steps]', 'how many, or "all"', parseStepsOrAll, 1)
    .action((steps: number, _, command: Command) =>
      run(cli, command, (target, provider) => runDown(cli, target, provider, steps)),
    );
  add('to', 'go up or down until a migration is the last one')
    .argument('<name>', 'the migration')
    .action((name: string, _, command: Command) =>
      run(cli, command, async ({ sets }, provider) => [
        await createMigrator(cli, provider, findSetOf(sets, name)).to(name),
      ]),
    );
  add('latest', 'run everything that is pending').action((_, command: Command) =>
    run(cli, command, (target, provider) => runUp(cli, target, provider, Number.MAX_SAFE_INTEGER)),
  );
  add('redo', 'take the last migration back and run it again')
    .argument('[steps]', 'how many', parseSteps, 1)
    .action((steps: number, _, command: Command) =>
      run(cli, command, (target, provider) => redo(cli, target, provider, steps)),
    );
}

async function run(cli: Cli, command: Command, runSets: RunSets): Promise<void> {
  const options = command.optsWithGlobals<MigrateOptions>();
  const { database, label, ...target } = await chooseTarget(cli, options);
  const { reports, backup } = await withProvider(database, async (provider) => {
    const made = options.backup === true ? await backUpFirst(cli, provider, database) : undefined;
    return { reports: await runSets(target, provider), backup: made?.file ?? null };
  });
  const count = reports.reduce((sum, { applied }) => sum + applied.length, 0);
  cli.output.line(
    count === 0
      ? `Nothing to do on ${label}.`
      : `${count} ${count === 1 ? 'migration' : 'migrations'} run on ${label}.`,
  );
  cli.output.document({ database: label, backup, sets: reports });
}

async function runUp(
  cli: Cli,
  { sets, all }: Sets,
  provider: DatabaseProvider<unknown>,
  steps: number,
): Promise<readonly MigrationReport[]> {
  await requireNeeds(provider, sets, all);
  const reports: MigrationReport[] = [];
  let left = steps;
  for (const set of sets) {
    if (left === 0) break;
    const report = await createMigrator(cli, provider, set).up(left);
    left -= report.applied.length;
    reports.push(report);
  }
  return reports;
}

async function runDown(
  cli: Cli,
  { sets, all }: Sets,
  provider: DatabaseProvider<unknown>,
  steps: number,
): Promise<readonly MigrationReport[]> {
  const reports: MigrationReport[] = [];
  for (const share of await shareStepsDown(provider, sets, all, steps))
    reports.push(await createMigrator(cli, provider, share.set).down(share.steps));
  return reports;
}

async function redo(
  cli: Cli,
  target: Sets,
  provider: DatabaseProvider<unknown>,
  steps: number,
): Promise<readonly MigrationReport[]> {
  const back = await runDown(cli, target, provider, steps);
  const again: MigrationReport[] = [];
  for (const { set: name, applied } of back.toReversed()) {
    const set = target.sets.find((each) => each.name === name);
    if (set !== undefined) again.push(await createMigrator(cli, provider, set).up(applied.length));
  }
  return [...back, ...again];
}

function createMigrator(cli: Cli, provider: DatabaseProvider<unknown>, set: MigrationSet): Migrator {
  const onStep = ({ name, direction, duration }: MigrationStep): void =>
    cli.output.line(`${set.name}  ${direction.padEnd(4)}  ${name}  ${Math.round(duration)} ms`);
  return new Migrator(provider, set, { onStep });
}

function parseSteps(text: string): number {
  const steps = Number(text);
  if (/^\d+$/.test(text) && steps >= 1 && Number.isSafeInteger(steps)) return steps;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

function parseStepsOrAll(text: string): number {
  return text === 'all' ? Number.MAX_SAFE_INTEGER : parseSteps(text);
}
