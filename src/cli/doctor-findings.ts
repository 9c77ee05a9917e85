import process from 'node:process';
import { isLiminalDataError, type DatabaseProvider, type ExaminationFinding } from '../core/index.ts';
import { createHealth } from '../core/health/index.ts';
import {
  describeVerification,
  verifyMigrations,
  type MigrationSet,
  type SetVerification,
} from '../core/migrate/index.ts';
import { chooseSets } from './migration-sets.ts';

/** How long somebody who migrates is waited for, in ms. */
const patience = 2_000;

/** What to do where a check of health is not well. */
const remedies: Readonly<Record<string, string>> = {
  latency: 'Look for what keeps the server busy, and for the network between.',
  pool: 'Shorten transactions, or raise pool.max where the database can serve more.',
  replicas: 'Look at the replicas and the network between; reads go to the primary meanwhile.',
  disk: 'Make room before a write fails.',
  log: 'Look for a reader that holds a snapshot; the log is emptied behind it.',
  clock: 'Let both machines set their clocks by NTP.',
};

/**
 * Looks at everything that can be looked at without changing it: what runs, how the database is set up and whether it is
 * sound, its migrations, its health. A database that cannot be asked is a finding as well.
 *
 * @param configured the migration sets of the project; where it names none, those of the package that have run
 */
export async function examine(
  provider: DatabaseProvider<unknown>,
  configured: readonly MigrationSet[] | undefined,
): Promise<readonly ExaminationFinding[]> {
  const findings: ExaminationFinding[] = [
    { subject: 'node', status: 'healthy', message: `Node is ${process.versions.node}.` },
  ];
  try {
    findings.push(...(await provider.examine()));
    findings.push(...(await examineMigrations(provider, configured)));
    findings.push(...(await examineHealth(provider)));
  } catch (error) {
    if (!isLiminalDataError(error)) throw error;
    // Its message says what to do.
    findings.push({ subject: 'database', status: 'unhealthy', message: error.message });
  }
  return findings;
}

async function examineMigrations(
  provider: DatabaseProvider<unknown>,
  configured: readonly MigrationSet[] | undefined,
): Promise<readonly ExaminationFinding[]> {
  const verification = await verifyMigrations(provider, chooseSets(configured, undefined), {
    integrity: false,
    patience,
  });
  const isOurs = ({ applied, misfit }: SetVerification) =>
    configured !== undefined || applied > 0 || misfit !== undefined;
  const sets = verification.sets.filter(isOurs);
  const subject = 'migrations';
  const pending = sets
    .filter((set) => set.pending.length > 0)
    .map((set): ExaminationFinding => ({
      subject,
      status: 'unhealthy',
      message: `${set.set}: pending are ${set.pending.join(', ')}.`,
      remedy: 'Run "liminal-data migrate latest".',
    }));
  // Each says itself what to do.
  const faults = describeVerification({ ...verification, sets }).map((message): ExaminationFinding => ({
    subject,
    status: 'degraded',
    message,
  }));
  const found = [...pending, ...faults];
  if (found.length > 0) return found;
  const message =
    sets.length === 0
      ? 'No migration of this project has run here.'
      : 'Nothing is pending, and the schema is as recorded.';
  return [{ subject, status: 'healthy', message }];
}

async function examineHealth(provider: DatabaseProvider<unknown>): Promise<readonly ExaminationFinding[]> {
  const { checks } = await createHealth(provider, { timeout: 10_000 }).ready();
  return checks.map(({ name, status, message, detail = message }) => {
    const remedy = status === 'healthy' ? undefined : remedies[name];
    return { subject: name, status, message: detail, ...(remedy !== undefined && { remedy }) };
  });
}
