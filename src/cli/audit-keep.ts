import { CommanderError, type Command } from 'commander';
import type { AuditLog, LegalHold } from '../core/audit/index.ts';
import { NotFoundError, ValidationError } from '../core/index.ts';
import { plain } from './audit-entry-lines.ts';
import { alsoDescription, collectEntity, withIds } from './audit-look.ts';
import { entityOption, parseAge, parseId, type EntityOption } from './audit-options.ts';
import { withLog, withReader } from './audit-trail.ts';
import type { Cli } from './cli.ts';
import { collect } from './migration-sets.ts';
import type { DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';

interface PurgeCommandOptions extends DatabaseOptions {
  readonly olderThan: number;
  readonly type?: readonly string[];
  readonly exceptType?: readonly string[];
  readonly tenant?: string;
  readonly stream?: string;
  readonly keepHeld?: boolean;
  readonly reason?: string;
  readonly yes?: boolean;
}

interface HoldCommandOptions extends DatabaseOptions {
  readonly actor?: string;
  readonly entity?: EntityOption;
  readonly tenant?: string;
  readonly stream?: string;
  readonly all?: boolean;
  readonly reason: string;
}

interface ReleaseCommandOptions extends DatabaseOptions {
  readonly reason: string;
}

interface EraseCommandOptions extends DatabaseOptions {
  readonly also?: readonly EntityOption[];
  readonly reason: string;
  readonly yes?: boolean;
}

/** Adds the verbs `audit purge|erase|hold|release|holds`. Each of them but the last is itself recorded in the trail. */
export function addAuditKeep(audit: Command, cli: Cli): void {
  audit
    .command('purge')
    .description('delete old entries, and leave signed summaries by which the chains still verify')
    .requiredOption('--older-than <age>', 'entries of this age and older: 12h, 400d, 8w, 7y', parseAge)
    .option('--type <name>', 'only entries on this type of entity; may be given several times', collect)
    .option('--except-type <name>', 'entries on this type stay; may be given several times', collect)
    .option('--tenant <id>', 'only entries of this tenant')
    .option('--stream <name>', 'only entries of this chain')
    .option('--keep-held', 'purge around what a legal hold keeps, which refuses the purge otherwise')
    .option('--reason <text>', 'why, such as the name of the policy')
    .option('--yes', 'the entries may be deleted')
    .action((_, command: Command) => purge(cli, command.optsWithGlobals<PurgeCommandOptions>()));
  audit
    .command('erase')
    .description('erase the contents of what was recorded by and about a person; who, what and when stay')
    .argument('<person>', 'the id of the person, as it is in the trail')
    .option('--also <type:id>', alsoDescription, collectEntity)
    .requiredOption('--reason <text>', 'why; it stays in the trail and must not tell of the person')
    .option('--yes', 'the contents may be erased')
    .action((person: string, _, command: Command) =>
      erase(cli, command.optsWithGlobals<EraseCommandOptions>(), person),
    );
  audit
    .command('hold')
    .description('place a legal hold: what it keeps is neither purged nor erased')
    .option('--actor <id>', 'what this actor did')
    .addOption(entityOption('what was done to this entity, or to this type of them'))
    .option('--tenant <id>', 'in this tenant')
    .option('--stream <name>', 'in this chain')
    .option('--all', 'the whole trail')
    .requiredOption('--reason <text>', 'why, such as the name of the case')
    .action((_, command: Command) => hold(cli, command.optsWithGlobals<HoldCommandOptions>()));
  audit
    .command('release')
    .description('release a legal hold')
    .argument('<id>', 'the id of the hold', parseId)
    .requiredOption('--reason <text>', 'why it may end')
    .action((id: string, _, command: Command) =>
      release(cli, command.optsWithGlobals<ReleaseCommandOptions>(), id),
    );
  audit
    .command('holds')
    .description('list the legal holds, those that were released last')
    .action((_, command: Command) => listHolds(cli, command.optsWithGlobals<DatabaseOptions>()));
}

async function purge(cli: Cli, options: PurgeCommandOptions): Promise<void> {
  const { olderThan, type, exceptType, tenant, stream, keepHeld = false, reason } = options;
  requireYes(options, 'the entries would be gone for good');
  await withLog(cli, options, async (log, label) => {
    const progress = createProgress({ stream: cli.output.stderr, unit: 'entries' });
    try {
      const report = await log.purge({
        olderThan,
        entityTypes: type,
        exceptEntityTypes: exceptType,
        tenant,
        stream,
        reason,
        held: keepHeld ? 'keep' : 'refuse',
        onProgress: (purged) => progress.update(purged, 'purged'),
      });
      const { purged, segments } = report;
      cli.output.line(
        `${counted(purged, 'entry is', 'entries are')} purged on ${label}; ${counted(segments, 'signed summary stands', 'signed summaries stand')} for them.`,
      );
      cli.output.document({ database: label, ...report });
    } finally {
      progress.end();
    }
  });
}

async function erase(cli: Cli, options: EraseCommandOptions, person: string): Promise<void> {
  const also = withIds(options.also);
  requireYes(options, 'the contents would be gone for good');
  await withLog(cli, options, async (log, label) => {
    const progress = createProgress({ stream: cli.output.stderr, unit: 'entries' });
    try {
      const report = await log.erase(person, {
        also,
        reason: options.reason,
        onProgress: (erased) => progress.update(erased, 'erased'),
      });
      cli.output.line(
        `The contents of ${counted(report.erased, 'entry is', 'entries are')} erased on ${label}.`,
      );
      cli.output.document({ database: label, ...report });
    } finally {
      progress.end();
    }
  });
}

async function hold(cli: Cli, options: HoldCommandOptions): Promise<void> {
  const { actor, entity, tenant, stream, all = false, reason } = options;
  const what = Object.fromEntries(
    Object.entries({ actor, entity, tenant, stream }).filter(([, value]) => value !== undefined),
  );
  // What is left out by mistake would stop every purge.
  if (all === Object.keys(what).length > 0) {
    throw new CommanderError(
      2,
      'liminal.misuse',
      'say what is held: --actor, --entity, --tenant and --stream, or --all',
    );
  }
  await withLog(cli, options, async (log, label) => {
    const placed = await log.hold(what, reason);
    cli.output.line(describeHold(placed));
    cli.output.document({ database: label, hold: placed });
  });
}

async function release(cli: Cli, options: ReleaseCommandOptions, id: string): Promise<void> {
  await withLog(cli, options, async (log, label) => {
    const released = await releaseHold(log, id, options.reason);
    cli.output.line(describeHold(released));
    cli.output.document({ database: label, hold: released });
  });
}

async function releaseHold(log: AuditLog, id: string, reason: string): Promise<LegalHold> {
  try {
    return await log.release(id, reason);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const message = 'is that of no hold that is still in force; `liminal-data audit holds` lists them';
    throw new ValidationError([{ path: ['id'], message }], { cause: error });
  }
}

async function listHolds(cli: Cli, options: DatabaseOptions): Promise<void> {
  await withReader(cli, options, async (reader, label) => {
    const holds = await reader.holds();
    for (const each of holds) cli.output.line(describeHold(each));
    if (holds.length === 0) cli.output.line(`No legal hold on ${label}.`);
    cli.output.document({ database: label, holds });
  });
}

function describeHold({ id, what, reason, placedAt, placedBy, releasedAt }: LegalHold): string {
  const until = releasedAt === undefined ? 'holds' : `released ${new Date(releasedAt).toISOString()}`;
  const by = placedBy === undefined ? '' : ` by ${placedBy}`;
  return plain(
    `${id}  ${until}  ${JSON.stringify(what)}  placed ${new Date(placedAt).toISOString()}${by}: ${reason}`,
  );
}

function requireYes({ yes = false }: { readonly yes?: boolean }, loss: string): void {
  if (yes) return;
  throw new CommanderError(2, 'liminal.misuse', `${loss}; say --yes where they may. Nothing was changed`);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
