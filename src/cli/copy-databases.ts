import {
  parseDatabaseConfig,
  BadRowsError,
  ConfigurationError,
  type DatabaseConfig,
  type DatabaseProvider,
} from '../core/index.ts';
import {
  copyDatabase,
  verifyCopy,
  type CopyProgress,
  type CopyStage,
  type CopyVerification,
} from '../core/copy/index.ts';
import { Migrator, type MigrationSet } from '../core/migrate/index.ts';
import type { Cli } from './cli.ts';
import { loadConfig } from './load-config.ts';
import { findingsExitCode } from './migrate-options.ts';
import { setsThatMayHaveRun } from './migration-sets.ts';
import { NewFile } from './new-file.ts';
import { describeDatabase, requireDatabaseFile, withProvider } from './open-database.ts';
import { createProgress, type Progress } from './progress.ts';
import { requireFolder } from './require-folder.ts';
import { keepHeapSmall } from './small-heap.ts';

/** What both verbs are given. */
export interface CopyCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly onBadRow: 'stop' | 'quarantine';
  readonly config?: string;
  readonly migrate?: boolean;
  readonly resume?: boolean;
  readonly report?: string;
  readonly verify?: boolean;
}

interface Sides {
  readonly from: DatabaseConfig;
  readonly to: DatabaseConfig;
}

/** What the verb ends with where it is done and rows are in quarantine. */
const quarantinedExitCode = 4;

/** Copies a database; see `liminal-data copy`. */
export async function copyFromCommandLine(cli: Cli, options: CopyCommandOptions): Promise<void> {
  keepHeapSmall();
  const { from, to } = openSides(options);
  const { report: file, resume = false, verify = true, onBadRow } = options;
  if (file !== undefined) requireFolder('--report', file);
  const sets =
    options.migrate === true
      ? setsThatMayHaveRun((await loadConfig(cli.cwd, options.config)).migrations)
      : [];
  const told = file === undefined ? undefined : await NewFile.open(file);
  const report = await withSides({ from, to }, async (source, target) => {
    const { show, end } = showStages(cli);
    return copyDatabase(source, target, {
      resume,
      verify,
      badRows: onBadRow,
      onProgress: show,
      onBadRow: (row) => told?.write(`${JSON.stringify(row)}\n`),
      ...(sets.length > 0 && { migrate: () => migrateAlike(source, target, sets) }),
    }).finally(end);
  }).catch(async (error: unknown) => {
    // The report belongs to this error.
    await (error instanceof BadRowsError ? told?.keep() : told?.drop());
    throw error;
  });
  await told?.keep();
  const label = `${describeDatabase(from)} to ${describeDatabase(to)}`;
  const seconds = report.duration / 1_000;
  cli.output.line(
    `Copied ${report.rows} rows of ${report.tables.length} tables from ${label} in ${seconds.toFixed(1)} s; ${report.quarantined} in quarantine.`,
  );
  if (report.copiedAnew.length > 0)
    cli.output.line(
      `Copied anew, since the snapshot of the earlier run was gone: ${report.copiedAnew.join(', ')}.`,
    );
  if (report.changed === undefined) cli.output.line('It was not verified: run "copy verify".');
  else if (report.changed.length === 0) cli.output.line('Verified: both sides hold the same.');
  else {
    cli.output.line(
      `Verified against the snapshot. Changed in the source since, and not copied: ${report.changed.join(', ')}.`,
    );
  }
  cli.output.document({
    from: describeDatabase(from),
    to: describeDatabase(to),
    ...report,
    changed: report.changed ?? null,
  });
  if (report.quarantined > 0) cli.exitCode = quarantinedExitCode;
}

/** Compares two databases; see `liminal-data copy verify`. */
export async function verifyFromCommandLine(cli: Cli, options: CopyCommandOptions): Promise<void> {
  keepHeapSmall();
  const { from, to } = openSides(options);
  requireDatabaseFile(to);
  const verification = await withSides({ from, to }, async (source, target) => {
    const { show, end } = showStages(cli);
    return verifyCopy(source, target, { onProgress: show }).finally(end);
  });
  for (const line of describe(verification)) cli.output.line(line);
  cli.output.document({ from: describeDatabase(from), to: describeDatabase(to), ...verification });
  if (!verification.isEqual) cli.exitCode = findingsExitCode;
}

function describe({ tables, isEqual }: CopyVerification): readonly string[] {
  const lines = tables.map(({ table, from, to, isEqual: isSame }) =>
    isSame
      ? `${table}  ${to.rows} rows  ${to.hash}`
      : `${table}  DIFFERS  ${from.rows} rows ${from.hash}, in the target ${to.rows} rows ${to.hash}`,
  );
  return [...lines, isEqual ? 'Both sides hold the same.' : 'The two differ.'];
}

function openSides(options: CopyCommandOptions): Sides {
  const from = parseDatabaseConfig(options.from);
  const to = parseDatabaseConfig(options.to);
  requireDatabaseFile(from);
  return { from, to };
}

function withSides<Result>(
  { from, to }: Sides,
  work: (source: DatabaseProvider<unknown>, target: DatabaseProvider<unknown>) => Promise<Result>,
): Promise<Result> {
  return withProvider(from, (source) => withProvider(to, (target) => work(source, target)));
}

/**
 * Brings the target where the source is, in those sets that the source has.
 *
 * @throws ConfigurationError where it has none of them: they are those of another application
 */
async function migrateAlike(
  source: DatabaseProvider<unknown>,
  target: DatabaseProvider<unknown>,
  sets: readonly MigrationSet[],
): Promise<void> {
  let isAny = false;
  for (const set of sets) {
    const applied = (await new Migrator(source, set).status()).filter(
      ({ appliedAt }) => appliedAt !== undefined,
    );
    const last = applied.at(-1);
    if (last === undefined) continue;
    isAny = true;
    await new Migrator(target, set).to(last.name);
  }
  if (isAny) return;
  throw new ConfigurationError(
    `None of the migration sets ${sets.map(({ name }) => name).join(', ')} has run in the source, so --migrate can make no tables. List the sets of your application as migrations in liminal.config.ts.`,
  );
}

/** A bar for each stage that counts rows. */
function showStages(cli: Cli): { show: (progress: CopyProgress) => void; end: () => void } {
  let bar: Progress | undefined;
  let shown: CopyStage | undefined;
  return {
    show({ stage, table, rows, total, rate, left }) {
      if (stage !== shown) {
        bar?.end();
        bar = createProgress({
          stream: cli.output.stderr,
          unit: stage === 'copy' ? 'rows copied' : 'rows compared',
          total,
        });
        shown = stage;
      }
      if (stage !== 'copy' && stage !== 'verify') return;
      const time = left === undefined ? '' : `, ${Math.ceil(left / 1_000)} s left`;
      bar?.update(rows, `${Math.round(rate)} a second${time}${table === undefined ? '' : ` (${table})`}`);
    },
    end: () => bar?.end(),
  };
}
