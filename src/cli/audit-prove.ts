import type { Command } from 'commander';
import {
  fileAnchors,
  readAnchors,
  type AuditVerification,
  type StreamVerification,
} from '../core/audit/index.ts';
import { plain } from './audit-entry-lines.ts';
import { withLog } from './audit-options.ts';
import type { Cli } from './cli.ts';
import type { DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';

interface VerifyCommandOptions extends DatabaseOptions {
  readonly anchors?: string;
}

interface AnchorCommandOptions extends DatabaseOptions {
  readonly to?: string;
}

/** What a verb that looks exits with where it has found something. */
const found = 3;

/** Adds the verbs `audit verify|anchor`. */
export function addAuditProve(audit: Command, cli: Cli): void {
  audit
    .command('verify')
    .description('read the whole trail and name the first place of each chain that is not as it was written')
    .option(
      '--anchors <file>',
      'hold it against the anchors in this file (JSON Lines), as `audit anchor` keeps them',
    )
    .action((_, command: Command) => verify(cli, command.optsWithGlobals<VerifyCommandOptions>()));
  audit
    .command('anchor')
    .description(
      'sign how far each chain has come, to be kept out of the reach of who can change the database',
    )
    .option('--to <file>', 'append it to this file; it is printed otherwise')
    .action((_, command: Command) => anchor(cli, command.optsWithGlobals<AnchorCommandOptions>()));
}

async function verify(cli: Cli, options: VerifyCommandOptions): Promise<void> {
  const anchors = options.anchors === undefined ? [] : await readAnchors(options.anchors);
  await withLog(cli, options, async (log, label) => {
    const progress = createProgress({ stream: cli.output.stderr, unit: 'rows' });
    let report: AuditVerification;
    try {
      report = await log.verify({ anchors, onProgress: (rows) => progress.update(rows, 'verified') });
    } finally {
      progress.end();
    }
    for (const stream of report.streams) cli.output.line(describeStream(stream));
    cli.output.line(summarize(report, label));
    cli.output.document({ database: label, ...report });
    if (!report.isSound) cli.exitCode = found;
  });
}

function describeStream({ stream, rows, purged, erased, fault }: StreamVerification): string {
  const name = plain(stream);
  if (fault !== undefined) return `${name}  ${fault.kind.toUpperCase()} at ${fault.seq}: ${fault.message}`;
  const gone = [purged > 0 ? `${purged} purged` : '', erased > 0 ? `${erased} erased` : '']
    .filter((part) => part !== '')
    .map((part) => `, ${part}`);
  return `${name}  sound, ${rows} rows${gone.join('')}`;
}

function summarize({ isSound, rows, anchored, streams }: AuditVerification, label: string): string {
  const faulty = streams.filter(({ fault }) => fault !== undefined).length;
  const verdict = isSound
    ? 'The trail is sound'
    : `${faulty} of ${streams.length} ${streams.length === 1 ? 'chain' : 'chains'} ${faulty === 1 ? 'is' : 'are'} not as written`;
  const witness =
    anchored > 0
      ? `held against ${anchored} anchored heads`
      : 'without anchors, so a missing end of a chain would not be found';
  return `${verdict}: ${rows} rows on ${label}, ${witness}.`;
}

async function anchor(cli: Cli, options: AnchorCommandOptions): Promise<void> {
  await withLog(cli, options, async (log, label) => {
    const made = await log.anchor();
    if (options.to === undefined) {
      cli.output.line(JSON.stringify(made));
      cli.output.document(made);
      return;
    }
    await fileAnchors(options.to)(made);
    const count = made.heads.length;
    cli.output.line(
      `The heads of ${count} ${count === 1 ? 'chain' : 'chains'} on ${label} are anchored in ${options.to}.`,
    );
    cli.output.document({ database: label, file: options.to, chains: count });
  });
}
