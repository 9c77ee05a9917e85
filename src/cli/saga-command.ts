import { InvalidArgumentError, type Command } from 'commander';
import { SagaRecords, type SagaDetails, type SagaStatus, type SagaSummary } from '../core/index.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

interface ListOptions extends DatabaseOptions {
  readonly status?: SagaStatus;
  readonly name?: string;
  readonly limit: number;
}

interface ResolveOptions extends DatabaseOptions {
  readonly note: string;
  readonly force?: boolean;
}

/** Adds the verbs `saga list|show|resume|resolve`. They work on the journal's tables and run no step. */
export function addSagaCommand(program: Command, cli: Cli): void {
  const saga = program
    .command('saga')
    .description('look after sagas: work over several systems, step by step');
  saga
    .command('list')
    .description('list sagas, those that were written last first')
    .option('--status <status>', 'running, compensating, completed, compensated, stuck or resolved')
    .option('--name <name>', 'the sagas of one definition')
    .option('--limit <count>', 'at most so many, from 1 to 1000', parseCount, 50)
    .action((_, command: Command) => list(cli, command.optsWithGlobals<ListOptions>()));
  saga
    .command('show')
    .description('show a saga with its steps and errors; --json shows its input as well')
    .argument('<id>', 'the id of the saga')
    .action((id: string, _, command: Command) =>
      withRecords(cli, command.optsWithGlobals<DatabaseOptions>(), async (records) => {
        const details = await records.show(id);
        for (const line of describe(details)) cli.output.line(line);
        return { saga: details };
      }),
    );
  saga
    .command('resume')
    .description('let a stuck saga be tried again by the processes that run sagas')
    .argument('<id>', 'the id of the saga')
    .action((id: string, _, command: Command) =>
      withRecords(cli, command.optsWithGlobals<DatabaseOptions>(), async (records) => {
        const details = await records.retry(id);
        cli.output.line(
          `Saga ${details.id} is ${details.status} again; whichever process comes first takes it.`,
        );
        return { saga: details };
      }),
    );
  saga
    .command('resolve')
    .description('close a stuck saga by hand; nothing is done or undone any more')
    .argument('<id>', 'the id of the saga')
    .requiredOption('--note <text>', 'what was done instead, for those who look later')
    .option('--force', 'also one that is not stuck; whoever runs it loses it')
    .action((id: string, _, command: Command) => {
      const options = command.optsWithGlobals<ResolveOptions>();
      return withRecords(cli, options, async (records) => {
        const details = await records.resolve(id, { note: options.note, force: options.force ?? false });
        cli.output.line(`Saga ${details.id} is resolved.`);
        return { saga: details };
      });
    });
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { status, name, limit } = options;
  await withRecords(cli, options, async (records) => {
    const sagas = await records.list({
      limit,
      ...(status === undefined ? {} : { status }),
      ...(name === undefined ? {} : { name }),
    });
    for (const each of sagas) cli.output.line(summarize(each));
    if (sagas.length === 0) cli.output.line('No such saga.');
    return { sagas };
  });
}

async function withRecords(
  cli: Cli,
  options: DatabaseOptions,
  work: (records: SagaRecords<unknown>) => Promise<Record<string, unknown>>,
): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const found = await withProvider(database, (provider) => work(new SagaRecords(provider)));
  cli.output.document({ database: label, ...found });
}

function summarize({ id, name, version, status, updatedAt, stuck, failedStep }: SagaSummary): string {
  const at = stuck?.step ?? failedStep;
  const why = stuck === undefined ? '' : ` (${stuck.reason})`;
  const place = at === undefined ? '' : `  at ${at}${why}`;
  return `${id}  ${name} v${version}  ${status}  ${new Date(updatedAt).toISOString()}${place}`;
}

function describe(details: SagaDetails): string[] {
  const { stuck, note, owner, idempotencyKey, createdAt, steps, stepNames } = details;
  return [
    summarize(details),
    `started ${new Date(createdAt).toISOString()}; steps: ${stepNames.join(', ')}`,
    ...(idempotencyKey === undefined ? [] : [`idempotency key: ${idempotencyKey}`]),
    ...(owner === undefined ? [] : [`held by ${owner}`]),
    ...(stuck === undefined ? [] : [`stuck at ${stuck.step}: ${stuck.message}`]),
    ...(note === undefined ? [] : [`resolved: ${note}`]),
    ...steps.map(({ name, direction, state, attempts, failures, crashes, error }) => {
      const verb = direction === 'forward' ? 'do  ' : 'undo';
      const counts = `${attempts} attempts, ${failures} failed, ${crashes} crashed`;
      const last = error === undefined ? '' : `; ${error.code ?? error.name ?? 'error'}: ${error.message}`;
      return `${verb}  ${name}  ${state}  ${counts}${last}`;
    }),
  ];
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 1_000) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
}
