import { CommanderError } from 'commander';
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  importLegacy,
  readLegacyQuarantine,
  type ChatDatabase,
  type LegacyImportOptions,
  type LegacyImportProgress,
  type LegacyImportReport,
} from '../chat/index.ts';
import {
  ConfigurationError,
  parseDatabaseConfig,
  readSecret,
  type DatabaseConfig,
  type DatabaseProvider,
} from '../core/index.ts';
import { KeyRing, generateKey } from '../core/security/index.ts';
import type { Cli } from './cli.ts';
import { fileOf, stateFolderOf } from './legacy-state-folder.ts';
import { chooseDatabase, withProvider, type DatabaseOptions } from './open-database.ts';
import type { Output } from './output.ts';
import { createProgress, type Progress } from './progress.ts';
import { hasAuditTrail, recordWork } from './recorded-work.ts';
import { requireFolder } from './require-folder.ts';
import { withScratchFolder } from './scratch-folder.ts';
import { writeLines } from './write-lines.ts';

/** What the verb is told. */
export interface ImportLegacyOptions extends DatabaseOptions {
  readonly from: readonly string[];
  readonly legacyKeyFile?: string;
  readonly withoutKeys?: boolean;
  readonly intoExisting?: boolean;
  readonly dryRun?: boolean;
  readonly report?: string;
  readonly state?: string;
}

const failed = 1;
const quarantined = 4;
const keyLength = 32;
const keyVariables = ['LIMINAL_ENCRYPTION_KEY', 'LIMINAL_ENCRYPTION_KEY_FILE'] as const;

/**
 * Imports legacy databases into the chat store, and proves it. Of secrets it prints nothing but how many there are.
 *
 * @param cli where it reports; the exit code is 4 where something is in quarantine, 1 where the proof fails
 * @param options what is imported, and where
 * @throws CommanderError where the options do not fit each other; what `importLegacy` throws
 */
export async function importLegacyDatabases(cli: Cli, options: ImportLegacyOptions): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  const sources = options.from.map((file) => resolve(cli.cwd, file));
  const report = options.report === undefined ? undefined : resolve(cli.cwd, options.report);
  checkOptions(options, sources, database, report);
  const legacyKey = await readLegacyKey(options.legacyKeyFile && resolve(cli.cwd, options.legacyKeyFile));
  const settings = { sources, legacyKey, ...settingsOf(options) };
  const state =
    options.state === undefined ? stateFolderOf(database, cli.cwd) : resolve(cli.cwd, options.state);
  const { dryRun = false } = options;
  const place: ImportPlace = { cli, label, report, dryRun };
  if (dryRun) await runDry(place, settings, state);
  else await run(place, settings, state, database);
}

interface ImportPlace {
  readonly cli: Cli;
  readonly label: string;
  readonly report: string | undefined;
  readonly dryRun: boolean;
}

type Settings = Omit<LegacyImportOptions, 'stateFolder' | 'encryption'>;

async function run(
  place: ImportPlace,
  settings: Settings,
  state: string,
  database: DatabaseConfig,
): Promise<void> {
  const { env } = place.cli;
  const encryption = keyVariables.some((name) => env[name] !== undefined) ? KeyRing.fromEnv(env) : undefined;
  await withProvider(database, async (provider) => {
    const isAudited = await hasAuditTrail(provider);
    // Where others record what they do, what is imported must not come in unseen.
    const keys = isAudited ? KeyRing.fromEnv(env) : undefined;
    if (keys !== undefined) await recordWork(provider, keys, { action: 'legacy.import' });
    const done = await importInto(place, provider, { ...settings, encryption, stateFolder: state });
    const { differences, counts } = done.proof;
    if (keys === undefined) return;
    await recordWork(provider, keys, { action: 'legacy.imported', metadata: { differences, counts } });
  });
}

async function runDry(place: ImportPlace, settings: Settings, state: string): Promise<void> {
  await withScratchFolder(`${state}.dry-run`, async (folder) => {
    const scratch = parseDatabaseConfig({
      type: 'sqlite',
      connection: { filename: join(folder, 'scratch.db') },
    });
    await withProvider(scratch, (provider) =>
      importInto(place, provider, {
        ...settings,
        encryption: KeyRing.of([generateKey()]),
        stateFolder: join(folder, 'snapshots'),
      }),
    );
  });
}

async function importInto(
  { cli, label, report, dryRun }: ImportPlace,
  untyped: DatabaseProvider<unknown>,
  options: LegacyImportOptions,
): Promise<LegacyImportReport> {
  const { output } = cli;
  const provider = untyped as DatabaseProvider<ChatDatabase>;
  const done = await showing(output, (onProgress) => importLegacy(provider, { ...options, onProgress }));
  if (report !== undefined) await writeLines(report, linesOf(provider));
  for (const line of describe(done, label, dryRun)) output.line(line);
  output.document({ database: label, dryRun, ...done });
  const { kept, leftOut } = done.quarantine;
  if (done.proof.differences > 0) cli.exitCode = failed;
  else if (kept + leftOut > 0) cli.exitCode = quarantined;
  return done;
}

/** Shows how far the work is, and leaves the line whatever happens. */
async function showing<Result>(
  output: Output,
  work: (onProgress: (progress: LegacyImportProgress) => void) => Promise<Result>,
): Promise<Result> {
  const bars = new Map<LegacyImportProgress['stage'], Progress>();
  try {
    return await work(({ stage, done, total, messages }) => {
      if (!bars.has(stage)) {
        for (const bar of bars.values()) bar.end();
        bars.set(stage, createProgress({ stream: output.stderr, unit: 'users and threads', total }));
      }
      const detail = stage === 'import' ? `${messages} messages imported` : 'read again and compared';
      bars.get(stage)?.update(done, detail);
    });
  } finally {
    [...bars.values()].at(-1)?.end();
  }
}

function describe(
  { isResumed, messages, duration, quarantine, proof }: LegacyImportReport,
  label: string,
  dryRun: boolean,
): string[] {
  const rate = duration > 0 ? Math.round((messages * 1_000) / duration) : 0;
  const { kept, leftOut, byReason, givenIds } = quarantine;
  return [
    `${dryRun ? 'Tried out' : 'Imported'} ${messages} messages in ${Math.round(duration)} ms, ${rate}/s.`,
    ...(dryRun ? [`Nothing was written to ${label}.`] : []),
    ...(isResumed ? ['An earlier run had begun this import.'] : []),
    ...Object.entries(proof.counts).map(
      ([kind, count]) =>
        `${kind.padEnd(16)}  ${count.source} in the legacy databases, ${count.leftOut} left out, ${count.target} here`,
    ),
    `The content of all threads there is ${proof.sourceHash}`,
    `The content of all threads here is  ${proof.targetHash}`,
    ...(givenIds > 0 ? [`Ids that were no UUIDs and were given anew: ${givenIds}`] : []),
    `In quarantine: ${kept + leftOut} (${kept} came in mended, ${leftOut} did not come in)`,
    ...Object.entries(byReason).map(([reason, count]) => `  ${reason}  ${count}`),
    ...(proof.differences === 0
      ? ['Proved: both sides are the same.']
      : [
          `NOT PROVED: ${proof.differences} differences.`,
          ...proof.examples.map((example) => `  ${example}`),
        ]),
  ];
}

async function* linesOf(provider: DatabaseProvider<ChatDatabase>): AsyncGenerator<string> {
  for await (const line of readLegacyQuarantine(provider)) yield `${JSON.stringify(line)}\n`;
}

function checkOptions(
  { legacyKeyFile, withoutKeys = false, report }: ImportLegacyOptions,
  sources: readonly string[],
  database: DatabaseConfig,
  reportFile: string | undefined,
): void {
  if (legacyKeyFile !== undefined && withoutKeys) {
    throw misuse('--legacy-key-file opens the API keys and --without-keys leaves them out; say one of them');
  }
  for (const file of sources) {
    if (!existsSync(file)) throw new ConfigurationError(`There is no database file ${file}. Mend the path.`);
  }
  const files = sources.map((file) => realpathSync(file));
  if (new Set(files).size < files.length) throw misuse('--from names a file twice');
  const target = fileOf(database);
  if (target !== undefined && existsSync(target) && files.includes(realpathSync(target))) {
    throw misuse('--from names the database that is imported into; a legacy database is never changed');
  }
  if (report === undefined || reportFile === undefined) return;
  requireFolder('--report', reportFile);
  if (existsSync(reportFile)) throw misuse(`there is a file ${report} already; nothing was imported`);
}

/** The file may hold a key that a ring would refuse: it only opens what is sealed anew at once. */
async function readLegacyKey(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined;
  const name = 'The legacy key';
  const text = (await readSecret({ file }, { name })).reveal().trim();
  const key = Buffer.from(text, 'base64');
  const written = key.toString('base64');
  const isBase64 = text === written || text === written.replace(/={1,2}$/, '');
  if (isBase64 && key.length === keyLength) return key;
  throw new ConfigurationError(`${name} must be the base64 of ${keyLength} bytes.`);
}

function settingsOf({
  withoutKeys = false,
  intoExisting = false,
}: ImportLegacyOptions): Omit<Settings, 'sources'> {
  return { withoutKeys, intoExisting };
}

function misuse(message: string): CommanderError {
  return new CommanderError(2, 'liminal.misuse', message);
}
