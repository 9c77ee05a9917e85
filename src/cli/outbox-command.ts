import { CommanderError, type Command } from 'commander';
import {
  readOutboxStatus,
  replayDeadLetters,
  type DeadLetterChoice,
  type TopicStatus,
} from '../core/outbox/index.ts';
import type { Cli } from './cli.ts';
import { chooseDatabase, requireDatabaseFile, withProvider, type DatabaseOptions } from './open-database.ts';

interface ReplayOptions extends DatabaseOptions {
  readonly id?: string;
  readonly topic?: string;
  readonly all?: boolean;
}

/** Adds the verbs `outbox status|replay`. */
export function addOutboxCommand(program: Command, cli: Cli): void {
  const outbox = program.command('outbox').description('look after the messages that are to be delivered');
  outbox
    .command('status')
    .description('tell how many messages of each topic wait, are being delivered, fail or are dead')
    .action((_, command: Command) => showStatus(cli, command.optsWithGlobals<DatabaseOptions>()));
  outbox
    .command('replay')
    .description('put dead letters back into the line, each at its old place in its key')
    .option('--id <id>', 'one dead letter')
    .option('--topic <topic>', 'the dead letters of a topic')
    .option('--all', 'every dead letter')
    .action((_, command: Command) => replay(cli, command.optsWithGlobals<ReplayOptions>()));
}

async function showStatus(cli: Cli, options: DatabaseOptions): Promise<void> {
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const { topics } = await withProvider(database, (provider) => readOutboxStatus(provider));
  for (const topic of topics) cli.output.line(describeTopic(topic));
  if (topics.length === 0) cli.output.line(`No message and no dead letter on ${label}.`);
  cli.output.document({ database: label, topics });
}

function describeTopic({ topic, pending, leased, failing, dead, oldestAge }: TopicStatus): string {
  const age = oldestAge === null ? '' : `, oldest ${Math.round(oldestAge / 1_000)} s`;
  return `${topic}  ${pending} pending (${leased} leased, ${failing} failing)${age}; ${dead} dead`;
}

async function replay(cli: Cli, options: ReplayOptions): Promise<void> {
  const choice = chooseDeadLetters(options);
  const { database, label } = await chooseDatabase(cli, options);
  requireDatabaseFile(database);
  const report = await withProvider(database, (provider) => replayDeadLetters(provider, choice));
  const { replayed, overtaken } = report;
  cli.output.line(
    replayed === 0
      ? `No such dead letter on ${label}.`
      : `${replayed} ${replayed === 1 ? 'dead letter is' : 'dead letters are'} back in the line on ${label}, each at its old place in its key.`,
  );
  if (overtaken > 0) {
    cli.output.line(
      `${overtaken} of them come late: messages behind them in their key were delivered already.`,
    );
  }
  cli.output.document({ database: label, ...report });
}

function chooseDeadLetters({ id, topic, all }: ReplayOptions): DeadLetterChoice {
  const choices: readonly (DeadLetterChoice | undefined)[] = [
    id === undefined ? undefined : { id },
    topic === undefined ? undefined : { topic },
    all === true ? { all } : undefined,
  ];
  const [choice, ...others] = choices.filter((each) => each !== undefined);
  if (choice !== undefined && others.length === 0) return choice;
  throw new CommanderError(
    2,
    'liminal.misuse',
    'say which dead letters: --id, --topic or --all, one of them',
  );
}
