import type { Command } from 'commander';
import { examineSqliteHeader } from '../core/engine/sqlite/sqlite-header.ts';
import type { DatabaseConfig, ExaminationFinding, HealthStatus } from '../core/index.ts';
import type { Cli } from './cli.ts';
import { examine } from './doctor-findings.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

/** What the verb ends with where something is to be done. */
const somethingToDo = 1;

/** Adds the verb `doctor`. */
export function addDoctorCommand(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description(
      'look at the database, tell what is to be done, change no row and no setting; exit code 1 where something is',
    )
    .action((_, command: Command) => look(cli, command.optsWithGlobals<DatabaseOptions>()));
}

async function look(cli: Cli, options: DatabaseOptions): Promise<void> {
  const { database, label, project } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const obstacle = await findObstacle(database);
  const findings =
    obstacle === undefined
      ? await withProvider(database, (provider) => examine(provider, project.migrations))
      : [obstacle];
  const faults = findings.filter(({ status }) => status !== 'healthy');
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  for (const finding of findings) {
    cli.output.line(`${word(finding.status)}  ${finding.subject.padEnd(width)}  ${finding.message}`);
    if (finding.remedy !== undefined) cli.output.line(`${' '.repeat(11 + width)}  → ${finding.remedy}`);
  }
  cli.output.line(
    faults.length === 0
      ? `Nothing is to be done on ${label}.`
      : `${faults.length} to be looked at on ${label}. Nothing was changed.`,
  );
  cli.output.document({
    database: label,
    faults: faults.length,
    findings: findings.map(({ subject, status, message, remedy }) => ({
      subject,
      status,
      message,
      remedy: remedy ?? null,
    })),
  });
  if (faults.length > 0) cli.exitCode = somethingToDo;
}

/** Looks whether opening the database would change it, before anything of this process has opened it. */
async function findObstacle({ type, connection }: DatabaseConfig): Promise<ExaminationFinding | undefined> {
  const { filename, memory } = connection as { readonly filename?: string; readonly memory?: boolean };
  return type !== 'sqlite' || filename === undefined || memory === true
    ? undefined
    : examineSqliteHeader(filename);
}

function word(status: HealthStatus): string {
  return status.padEnd('unhealthy'.length);
}
