import { CommanderError, type Command } from 'commander';
import { readKeptAnchors, type KeptAnchor } from '../core/audit/anchor-sinks.ts';
import { fileAnchors, type AuditVerification, type StreamVerification } from '../core/audit/index.ts';
import { ValidationError } from '../core/index.ts';
import { plain } from './audit-entry-lines.ts';
import { withAnyKeys, withLog } from './audit-trail.ts';
import type { Cli } from './cli.ts';
import type { DatabaseOptions } from './open-database.ts';
import { createProgress } from './progress.ts';
import { requireFolder } from './require-folder.ts';

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
  const { anchors: file } = options;
  const kept = file === undefined ? [] : await readSomeAnchors(file);
  const anchors = kept.map((each) => each.anchor);
  await withAnyKeys(cli, options, async (log, label) => {
    const progress = createProgress({ stream: cli.output.stderr, unit: 'rows' });
    let report: AuditVerification;
    try {
      report = await log.verify({ anchors, onProgress: (rows) => progress.update(rows, 'verified') });
    } catch (error) {
      throw file === undefined ? error : nameLines(error, file, kept);
    } finally {
      progress.end();
    }
    for (const stream of report.streams) cli.output.line(describeStream(stream));
    cli.output.line(summarize(report, label, anchors.length > 0));
    cli.output.document({ database: label, ...report });
    if (!report.isSound) cli.exitCode = found;
  });
}

/** A file without anchors must not pass for one that the trail was held against. */
async function readSomeAnchors(file: string): Promise<KeptAnchor[]> {
  const kept = await readKeptAnchors(file);
  if (kept.length > 0) return kept;
  throw new CommanderError(
    2,
    'liminal.misuse',
    `there is no anchor in the file ${file} of --anchors, so nothing was verified; leave --anchors out to verify without`,
  );
}

/** What is wrong with an anchor, by the line of the file that it stands in. */
function nameLines(error: unknown, file: string, kept: readonly KeptAnchor[]): unknown {
  if (!(error instanceof ValidationError)) return error;
  const issues = error.issues.map(({ path: [index], message }) => ({
    path: [`line ${kept[Number(index)]?.line} of ${file}`],
    message,
  }));
  return new ValidationError(issues, { cause: error });
}

function describeStream({ stream, rows, purged, erased, fault }: StreamVerification): string {
  const name = plain(stream);
  if (fault !== undefined) return `${name}  ${fault.kind.toUpperCase()} at ${fault.seq}: ${fault.message}`;
  const gone = [purged > 0 ? `${purged} purged` : '', erased > 0 ? `${erased} erased` : '']
    .filter((part) => part !== '')
    .map((part) => `, ${part}`);
  return `${name}  sound, ${rows} rows${gone.join('')}`;
}

function summarize(
  { isSound, rows, anchored, streams }: AuditVerification,
  label: string,
  hasAnchors: boolean,
): string {
  const faulty = streams.filter(({ fault }) => fault !== undefined).length;
  const verdict = isSound
    ? 'The trail is sound'
    : `${faulty} of ${streams.length} ${streams.length === 1 ? 'chain' : 'chains'} ${faulty === 1 ? 'is' : 'are'} not as written`;
  const witness = hasAnchors
    ? `held against ${anchored} anchored heads`
    : 'without anchors, so a missing end of a chain would not be found';
  return `${verdict}: ${rows} rows on ${label}, ${witness}.`;
}

async function anchor(cli: Cli, options: AnchorCommandOptions): Promise<void> {
  if (options.to !== undefined) requireFolder('--to', options.to);
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
