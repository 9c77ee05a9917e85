import { InvalidArgumentError, type Command } from 'commander';
import { chatEncryption } from '../chat/index.ts';
import { auditKeyUse } from '../core/audit/index.ts';
import { ConfigurationError, type DatabaseProvider } from '../core/index.ts';
import {
  KeyRing,
  keyStatus,
  retireKey,
  rotateKeys,
  type ColumnKeyStatus,
  type KeyUseOptions,
  type RotationProgress,
} from '../core/security/index.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';
import { hasAuditTrail, recordWork } from './recorded-work.ts';
import { requireKeyOfTrail } from './require-key-of-trail.ts';

interface RotateOptions extends DatabaseOptions {
  readonly batchSize?: number;
  readonly throttle?: number;
}

/** Adds the verbs `keys rotate|status|retire`. */
export function addKeyRotation(keys: Command, cli: Cli): void {
  keys
    .command('rotate')
    .description('seal everything anew with the first key of LIMINAL_ENCRYPTION_KEY, while others go on')
    .option('--batch-size <rows>', 'the most rows of one transaction (default: 200)', readNumber)
    .option('--throttle <ms>', 'the pause between two of them (default: 10)', readNumber)
    .action((_, command: Command) => rotate(cli, command.optsWithGlobals<RotateOptions>()));
  keys
    .command('status')
    .description(
      'tell how many rows are sealed and indexed with each key, and what of the audit trail it proves',
    )
    .action((_, command: Command) => showStatus(cli, command.optsWithGlobals<DatabaseOptions>()));
  keys
    .command('retire')
    .argument('<id>', 'the key')
    .description('tell whether a key may go; refused while a row needs it')
    .action((id: string, _, command: Command) => retire(cli, id, command.optsWithGlobals<DatabaseOptions>()));
}

async function rotate(cli: Cli, options: RotateOptions): Promise<void> {
  const { batchSize, throttle } = options;
  const { output } = cli;
  await withKeys(cli, options, async (provider, use, label) => {
    const { activeId } = use.ring;
    const tables = use.tables.map(({ table }) => table);
    if (await hasAuditTrail(provider)) await requireKeyOfTrail(provider, use.ring);
    await recordWork(provider, use.ring, { action: 'keys.rotate', metadata: { activeId, tables } });
    const progress = createProgress({ stream: output.stderr, unit: 'rows' });
    const report = await rotateKeys(provider, {
      ...use,
      ...(batchSize === undefined ? {} : { batchSize }),
      ...(throttle === undefined ? {} : { throttle }),
      onProgress: ({ table, rotated, total }) => progress.update(rotated, `of ${total} in ${table}`),
    });
    progress.end();
    const done = report.map(({ table, rotated, unreadable }) => ({ table, rotated, unreadable }));
    await recordWork(provider, use.ring, { action: 'keys.rotated', metadata: { activeId, tables: done } });
    for (const table of report) output.line(describeRotation(table));
    output.document({ database: label, activeId, tables: report });
    // What does not open, or is there twice, is nobody's to rotate; whoever runs this should hear of it.
    if (report.some(({ unreadable, taken }) => unreadable + taken > 0)) cli.exitCode = 1;
  });
}

function describeRotation({ table, rotated, overtaken, unreadable, taken }: RotationProgress): string {
  const others = overtaken > 0 ? `, ${overtaken} were written by others meanwhile` : '';
  const broken = unreadable > 0 ? `; ${unreadable} values do not open and stay as they are` : '';
  const double = taken > 0 ? `; left as they are, since another row has their unique index: ${taken}` : '';
  return `${table}  ${rotated} ${rotated === 1 ? 'row is' : 'rows are'} sealed anew${others}${broken}${double}`;
}

async function showStatus(cli: Cli, options: DatabaseOptions): Promise<void> {
  await withKeys(cli, options, async (provider, use, label) => {
    const status = await keyStatus(provider, use);
    const trail = (await hasAuditTrail(provider)) ? await auditKeyUse(provider) : undefined;
    for (const column of status.columns) cli.output.line(describeColumn(column));
    const uses = Object.entries(status.keys).map(
      ([id, values]) => `${id}${id === status.activeId ? ' (active)' : ''} ${values}`,
    );
    cli.output.line(`In all: ${uses.join(', ')}`);
    if (trail !== undefined) cli.output.line(describeTrail(trail));
    cli.output.document({
      database: label,
      ...status,
      ...(trail === undefined ? {} : { auditTrail: Object.fromEntries(trail) }),
    });
  });
}

function describeTrail(uses: ReadonlyMap<string, number>): string {
  const counts = [...uses].map(([id, entries]) => `${id} ${entries}`).toSorted();
  return `Audit trail: ${counts.length === 0 ? 'empty' : counts.join(', ')}`;
}

function describeColumn({ table, column, keys, unknown }: ColumnKeyStatus): string {
  const counts = Object.entries(keys).map(([id, rows]) => `${id} ${rows}`);
  if (unknown > 0) counts.push(`no key ${unknown}`);
  return `${table}.${column}  ${counts.length === 0 ? 'empty' : counts.join(', ')}`;
}

async function retire(cli: Cli, keyId: string, options: DatabaseOptions): Promise<void> {
  await withKeys(cli, options, async (provider, use, label) => {
    const hasTrail = await hasAuditTrail(provider);
    if (hasTrail) await requireKeyOfTrail(provider, use.ring);
    const ring = await retireKey(provider, { ...use, keyId });
    if (hasTrail) await requireUnusedInTrail(provider, keyId);
    await recordWork(provider, use.ring, { action: 'keys.retire', metadata: { keyId } });
    cli.output.line(`No row needs the key ${keyId}: take it out of LIMINAL_ENCRYPTION_KEY.`);
    cli.output.document({ database: label, retired: keyId, left: ring.ids });
  });
}

/** The trail is never written anew, so that a rotation does not help it. */
async function requireUnusedInTrail(provider: DatabaseProvider<unknown>, keyId: string): Promise<void> {
  const entries = (await auditKeyUse(provider)).get(keyId) ?? 0;
  if (entries === 0) return;
  throw new ConfigurationError(
    `The key ${keyId} cannot go: ${entries} entries of the audit trail are proved with it. Keep it behind the active one for as long as the trail keeps them.`,
  );
}

async function withKeys(
  cli: Cli,
  options: DatabaseOptions,
  work: (provider: DatabaseProvider<unknown>, use: KeyUseOptions, label: string) => Promise<void>,
): Promise<void> {
  const { database, label, project } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const use = { ring: KeyRing.fromEnv(cli.env), tables: project.encryption?.tables ?? chatEncryption };
  await withProvider(database, (provider) => work(provider, use, label));
}

function readNumber(text: string): number {
  if (!/^\d{1,9}$/u.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
