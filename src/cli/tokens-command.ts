import type { Command } from 'commander';
import { pruneTokens, type PruneTokensReport } from '../core/security/index.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

/** Adds the verb `tokens prune`. */
export function addTokensCommand(program: Command, cli: Cli): void {
  const tokens = program.command('tokens').description('look after the tables of tokens');
  tokens
    .command('prune')
    .description('delete the sessions, refresh tokens and revocations whose time is over, while others go on')
    .action((_, command: Command) => prune(cli, command.optsWithGlobals<DatabaseOptions>()));
}

async function prune(cli: Cli, options: DatabaseOptions): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const report = await withProvider(database, (provider) => pruneTokens(provider));
  cli.output.line(`Deleted on ${label}: ${describeReport(report)}.`);
  cli.output.document({ database: label, ...report });
}

function describeReport({ sessions, refreshTokens, revocations }: PruneTokensReport): string {
  return [
    `${count(sessions, 'session')} with ${sessions === 1 ? 'its' : 'their'} refresh tokens`,
    `${count(refreshTokens, 'refresh token')} that ${refreshTokens === 1 ? 'was' : 'were'} not used in time`,
    count(revocations, 'revocation'),
  ].join(', ');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
