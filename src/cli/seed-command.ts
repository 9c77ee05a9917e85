import type { Command } from 'commander';
import { ConfigurationError } from '../core/index.ts';
import { createSeedFile, runSeeds, type SeedRun } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

interface SeedOptions extends DatabaseOptions {
  readonly only?: string;
  readonly again?: boolean;
  readonly force?: boolean;
}

const defaultFolder = 'seeds';

/** Adds the verbs `seed make|run`. */
export function addSeedCommand(program: Command, cli: Cli): void {
  const seed = program.command('seed').description('give the database rows to begin with');
  seed
    .command('run')
    .description('run the seeds of liminal.config.ts that have not run yet, in their order')
    .option('--only <name>', 'one seed')
    .option('--again', 'also those that have run already')
    .option('--force', 'also where NODE_ENV is production')
    .action((_, command: Command) => run(cli, command.optsWithGlobals<SeedOptions>()));
  seed
    .command('make')
    .description('write the skeleton of a new seed')
    .argument('<name>', 'what it brings, such as plans')
    .action((name: string, _, command: Command) =>
      make(cli, command.optsWithGlobals<DatabaseOptions>(), name),
    );
}

async function run(cli: Cli, options: SeedOptions): Promise<void> {
  const { only, again = false, force = false } = options;
  if (cli.env['NODE_ENV'] === 'production' && !force) {
    throw new ConfigurationError(
      'Seeds were to run with NODE_ENV=production, so none did. Say --force where they are meant for it.',
    );
  }
  const { database, label, project } = await chooseDatabase(cli, options);
  const { seeds = [] } = project;
  if (seeds.length === 0) {
    throw new ConfigurationError('There are no seeds: list them as "seeds" in liminal.config.ts.');
  }
  requireDatabaseFile(database);
  const onSeed = ({ name, duration }: SeedRun): void =>
    cli.output.line(`${name}  ${Math.round(duration)} ms`);
  const report = await withProvider(database, (provider) =>
    runSeeds(provider, seeds, { again, onSeed, ...(only === undefined ? {} : { only }) }),
  );
  const count = report.ran.length;
  cli.output.line(
    count === 0
      ? `Nothing to do on ${label}.`
      : `${count} ${count === 1 ? 'seed' : 'seeds'} run on ${label}.`,
  );
  cli.output.document({ database: label, ...report });
}

async function make(cli: Cli, options: DatabaseOptions, name: string): Promise<void> {
  const { seedsFolder = defaultFolder } = await loadConfig(cli.cwd, options.config);
  const created = await createSeedFile({ folder: seedsFolder, name });
  cli.output.line(`Wrote ${created.path}. List it in liminal.config.ts:`);
  cli.output.line(`  ${created.importLine}`);
  cli.output.line(`  seeds: [… ${created.entryLine.replace(/,$/, '')}]`);
  cli.output.document(created);
}
