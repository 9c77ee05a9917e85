/** The verbs that change records, locks and files, and no schema: `migrate repair|unlock|make`. */
import { CommanderError, type Command } from 'commander';
import { Migrator, createMigrationFile, type MigrationSet } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';
import { chooseTarget, type MigrateOptions } from './migrate-options.ts';
import { collect, findSetOf } from './migration-sets.ts';
import { withProvider, type DatabaseOptions } from './open-database.ts';

interface RepairOptions extends MigrateOptions {
  readonly accept?: readonly string[];
  readonly acceptSchema?: boolean;
}

interface UnlockOptions extends MigrateOptions {
  readonly force?: boolean;
}

const defaultFolder = 'migrations';

/** Adds the verbs that mend, and the one that writes a new file. */
export function addMendVerbs(
  cli: Cli,
  migrate: Command,
  add: (usage: string, description: string) => Command,
): void {
  add('repair', 'record as right what verify complains of, after somebody has looked at it')
    .option('--accept <name>', 'an edited migration; several times for several', collect)
    .option('--accept-schema', 'the live schema')
    .action((_, command: Command) => repair(cli, command.optsWithGlobals<RepairOptions>()));
  add('unlock', 'tell who holds the lock of the migrations, and free it where that process is gone')
    .option('--force', 'take it from a process that lives')
    .action((_, command: Command) => unlock(cli, command.optsWithGlobals<UnlockOptions>()));
  migrate
    .command('make')
    .description('write the skeleton of a new migration')
    .argument('<name>', 'what it does, such as add-labels')
    .action((name: string, _, command: Command) =>
      makeFile(cli, command.optsWithGlobals<DatabaseOptions>(), name),
    );
}

async function repair(cli: Cli, options: RepairOptions): Promise<void> {
  const { accept = [], acceptSchema = false } = options;
  if (accept.length === 0 && !acceptSchema) {
    throw new CommanderError(2, 'liminal.misuse', 'say what is accepted: --accept NAME or --accept-schema');
  }
  const { database, label, sets } = await chooseTarget(cli, options, { mustExist: true });
  const bySet = new Map<MigrationSet, string[]>();
  for (const name of accept) {
    // One that broke off and has left its set is known by the record alone.
    const set = sets.length === 1 && sets[0] !== undefined ? sets[0] : findSetOf(sets, name);
    bySet.set(set, [...(bySet.get(set) ?? []), name]);
  }
  await withProvider(database, async (provider) => {
    for (const [set, names] of bySet) await new Migrator(provider, set).repair({ accept: names });
    const [first] = sets;
    if (acceptSchema && first !== undefined) await new Migrator(provider, first).repair({ acceptSchema });
  });
  for (const name of accept) cli.output.line(`${name} is recorded as it is now.`);
  if (acceptSchema) cli.output.line('The live schema is recorded as it is now.');
  cli.output.document({ database: label, accepted: accept, acceptedSchema: acceptSchema });
}

async function unlock(cli: Cli, options: UnlockOptions): Promise<void> {
  const { database, label, sets } = await chooseTarget(cli, options, { mustExist: true });
  const [set] = sets;
  if (set === undefined) return;
  const { holder, isFree } = await withProvider(database, (provider) =>
    new Migrator(provider, set).unlock({ force: options.force === true }),
  );
  if (holder === undefined) cli.output.line(`Nobody holds the lock of ${label}.`);
  else if (isFree) cli.output.line(`The lock of ${label} was held by ${holder}; it is free now.`);
  else cli.output.line(`The lock of ${label} is held by ${holder}. --force takes it away.`);
  cli.output.document({ database: label, holder: holder ?? null, isFree });
  if (!isFree) cli.exitCode = 1;
}

async function makeFile(cli: Cli, options: DatabaseOptions, name: string): Promise<void> {
  const { migrationsFolder = defaultFolder } = await loadConfig(cli.cwd, options.config);
  const created = await createMigrationFile({ folder: migrationsFolder, name });
  cli.output.line(`Wrote ${created.path}. List it in the index.ts beside it:`);
  cli.output.line(`  ${created.importLine}`);
  cli.output.line(`  ${created.entryLine}`);
  cli.output.document(created);
}
