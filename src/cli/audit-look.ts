import { CommanderError, Option, type Command } from 'commander';
import type { AuditExportFormat } from '../core/audit/index.ts';
import { describeEntry, describeVersion, plain } from './audit-entry-lines.ts';
import {
  addFilterOptions,
  filterOf,
  parseCount,
  parseEntity,
  parseId,
  type EntityOption,
  type FilterOptions,
} from './audit-options.ts';
import { withLog, withReader } from './audit-trail.ts';
import type { Cli } from './cli.ts';
import type { DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';
import { requireFolder } from './require-folder.ts';
import { printLines, writeLines } from './write-lines.ts';

interface TrailCommandOptions extends FilterOptions {
  readonly limit: number;
  readonly oldest?: boolean;
  readonly after?: string;
  readonly before?: string;
}

interface OutOptions {
  readonly out?: string;
}

interface ExportCommandOptions extends FilterOptions, OutOptions {
  readonly format: AuditExportFormat;
}

interface ReportCommandOptions extends DatabaseOptions, OutOptions {
  readonly also?: readonly EntityOption[];
}

/** Adds the verbs `audit tail|trail|history|diff|export|report`. The last two record that they ran, the rest write nothing. */
export function addAuditLook(audit: Command, cli: Cli): void {
  addFilterOptions(audit.command('tail').description('show the last entries of the trail, the newest below'))
    .option('--limit <count>', 'at most so many, from 1 to 1000', parseCount, 20)
    .action((_, command: Command) => tail(cli, command.optsWithGlobals<TrailCommandOptions>()));
  addFilterOptions(audit.command('trail').description('show a page of the trail, the newest above'))
    .option('--limit <count>', 'at most so many, from 1 to 1000', parseCount, 50)
    .option('--oldest', 'the oldest above')
    .option('--after <cursor>', 'behind this place, which the page before has told')
    .option('--before <cursor>', 'ahead of this place')
    .action((_, command: Command) => trail(cli, command.optsWithGlobals<TrailCommandOptions>()));
  audit
    .command('history')
    .description('show what became of an entity, and how it was after each entry')
    .argument('<type>', 'the type of the entity, such as user')
    .argument('<id>', 'its id')
    .action((type: string, id: string, _, command: Command) =>
      history(cli, command.optsWithGlobals<DatabaseOptions>(), type, id),
    );
  audit
    .command('diff')
    .description('show how an entity differs after one entry and after another')
    .argument('<from>', 'the id of an entry', parseId)
    .argument('<to>', 'the id of another entry of the same entity', parseId)
    .action((from: string, to: string, _, command: Command) =>
      diff(cli, command.optsWithGlobals<DatabaseOptions>(), from, to),
    );
  addFilterOptions(audit.command('export').description('write entries for others, the oldest first'))
    .addOption(new Option('--format <name>', 'how').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--out <file>', 'into a new file; to stdout by default')
    .action((_, command: Command) => exportEntries(cli, command.optsWithGlobals<ExportCommandOptions>()));
  audit
    .command('report')
    .description('write all that was recorded by and about a person, as JSON Lines')
    .argument('<person>', 'the id of the person, as it is in the trail')
    .option('--also <type:id>', alsoDescription, collectEntity)
    .option('--out <file>', 'into a new file; to stdout by default')
    .action((person: string, _, command: Command) =>
      report(cli, command.optsWithGlobals<ReportCommandOptions>(), person),
    );
}

/** What `--also` says in each verb that has it. */
export const alsoDescription =
  'an entity that belongs to the person, such as an API key; may be given several times';

/** Gathers entities, each with its id. */
export function collectEntity(text: string, before: readonly EntityOption[] = []): readonly EntityOption[] {
  return [...before, parseEntity(text)];
}

async function tail(cli: Cli, options: TrailCommandOptions): Promise<void> {
  await withReader(cli, options, async (reader, label) => {
    const { items } = await reader.trail(filterOf(options), { limit: options.limit });
    const entries = items.toReversed();
    for (const entry of entries) cli.output.line(describeEntry(entry));
    if (entries.length === 0) cli.output.line(`No such entry on ${label}.`);
    cli.output.document({ database: label, entries });
  });
}

async function trail(cli: Cli, options: TrailCommandOptions): Promise<void> {
  const { limit, oldest = false, after, before } = options;
  await withReader(cli, options, async (reader, label) => {
    const { items, ...cursors } = await reader.trail(filterOf(options), {
      limit,
      order: oldest ? 'oldest' : 'newest',
      after,
      before,
    });
    for (const entry of items) cli.output.line(describeEntry(entry));
    if (items.length === 0) cli.output.line(`No such entry on ${label}.`);
    const { nextCursor, previousCursor } = cursors;
    if (previousCursor !== undefined) cli.output.line(`What comes before: --before ${previousCursor}`);
    if (nextCursor !== undefined) cli.output.line(`What follows: --after ${nextCursor}`);
    cli.output.document({ database: label, entries: items, ...cursors });
  });
}

async function history(cli: Cli, options: DatabaseOptions, type: string, id: string): Promise<void> {
  await withReader(cli, options, async (reader, label) => {
    const versions = await reader.history(type, id);
    for (const line of versions.flatMap(describeVersion)) cli.output.line(line);
    if (versions.length === 0) cli.output.line(`The trail on ${label} has nothing of it.`);
    cli.output.document({
      database: label,
      versions: versions.map(({ state, ...rest }) => ({ ...rest, state: state ?? null })),
    });
  });
}

async function diff(cli: Cli, options: DatabaseOptions, from: string, to: string): Promise<void> {
  await withReader(cli, options, async (reader, label) => {
    const { changes } = await reader.diff(from, to);
    for (const { field, ...values } of changes) cli.output.line(plain(`${field}  ${describeChange(values)}`));
    if (changes.length === 0) cli.output.line('No field differs.');
    cli.output.document({ database: label, changes });
  });
}

function describeChange(values: { readonly old?: unknown; readonly new?: unknown }): string {
  const [old, next] = (['old', 'new'] as const).map((side) =>
    side in values ? JSON.stringify(values[side]) : 'nothing',
  );
  return `${old} -> ${next}`;
}

async function exportEntries(cli: Cli, options: ExportCommandOptions): Promise<void> {
  checkOut(cli, options);
  await withLog(cli, options, (log, label) =>
    writeOut(cli, options, log.export(filterOf(options), options.format), label),
  );
}

async function report(cli: Cli, options: ReportCommandOptions, person: string): Promise<void> {
  checkOut(cli, options);
  await withLog(cli, options, (log, label) =>
    writeOut(cli, options, log.subjectReport(person, { also: withIds(options.also) }), label),
  );
}

/**
 * The entities that `--also` names.
 *
 * @throws CommanderError where one has no id
 */
export function withIds(
  entities: readonly EntityOption[] | undefined,
): readonly { readonly type: string; readonly id: string }[] | undefined {
  return entities?.map(({ type, id }) => {
    if (id === undefined) throw new CommanderError(2, 'liminal.misuse', '--also names an entity as type:id');
    return { type, id };
  });
}

/** Before the trail records that somebody took something out. */
function checkOut({ output }: Cli, { out }: OutOptions): void {
  if (out !== undefined) requireFolder('--out', out);
  else if (output.json) {
    throw new CommanderError(2, 'liminal.misuse', 'with --json the lines go into a file: say --out');
  }
}

async function writeOut(
  cli: Cli,
  { out }: OutOptions,
  lines: AsyncIterable<string>,
  label: string,
): Promise<void> {
  if (out === undefined) return printLines(lines);
  const progress = createProgress({ stream: cli.output.stderr, unit: 'lines' });
  let count = 0;
  const counted = async function* (): AsyncGenerator<string, void, undefined> {
    for await (const line of lines) {
      yield line;
      count += 1;
      progress.update(count, 'written');
    }
  };
  try {
    await writeLines(out, counted());
  } finally {
    progress.end();
  }
  cli.output.line(`${count} ${count === 1 ? 'line is' : 'lines are'} in ${out}.`);
  cli.output.document({ database: label, file: out, lines: count });
}
