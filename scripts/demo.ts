/**
 * `npm run demo`: the chat store at work, on SQLite in ./.data/demo.db, or on the database of `DATABASE_URL`.
 *
 * It imports the sample conversations, reads, searches, appends, updates and deletes, and prints its answers
 * and its times, the queries that took the most of it, and how the pool stands. The answers are the same on every
 * engine, and on every run: what it adds it takes away.
 */
import { createHash, randomBytes } from 'node:crypto';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { openChatStore, type ChatStore, type ContextThread } from '../src/chat/index.ts';
import { ConversationFile } from '../src/cli/conversation-file.ts';
import { describeDatabase } from '../src/cli/open-database.ts';
import { createProgress } from '../src/cli/progress.ts';
import {
  StaleEntityError,
  databaseConfigFromEnv,
  parseDatabaseConfig,
  runAs,
  silentLogger,
  type Cursor,
  type DatabaseConfig,
} from '../src/core/index.ts';
import { createQueryMetrics } from '../src/core/metrics/index.ts';
import { KeyRing } from '../src/core/security/index.ts';
import { describePool, describeQueries } from './demo-figures.ts';
import { DemoReport, formatCount } from './demo-report.ts';

const sample = fileURLToPath(new URL('../examples/data/conversations.jsonl', import.meta.url));
const sampleSize = 1_000;
const shownThread = '1_00000';
const demoThread = 'demo';
const appends = 200;
const searches = [
  'vegetarian restaurant',
  'CAFÉ',
  '11:30 am',
  'san jose',
  'flight to paris',
  `"'; drop table messages; --`,
];

const report = new DemoReport();
const metrics = createQueryMetrics();

function chooseDatabase(): DatabaseConfig {
  const isSet = process.env['DATABASE_URL'] !== undefined;
  return isSet ? databaseConfigFromEnv() : parseDatabaseConfig('sqlite:./.data/demo.db');
}

function say(...lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

function answer(question: string, found: string): void {
  say(`  ${question.padEnd(44)} ${found}`);
}

async function importSample({ conversations }: ChatStore): Promise<void> {
  const progress = createProgress({ stream: process.stdout, unit: 'threads', total: sampleSize });
  await report.time('import', 'threads', async () => {
    const imported = await conversations
      .importThreads(new ConversationFile(sample), {
        onProgress: ({ threads, messages, skipped }) =>
          progress.update(
            threads + skipped,
            `${formatCount(messages)} messages stored, ${skipped} threads there already`,
          ),
      })
      .finally(() => progress.end());
    return { count: imported.threads + imported.skipped, result: imported };
  });
}

/** What an earlier run left behind when it was interrupted. */
async function removeLeftovers({ threads, conversations }: ChatStore): Promise<void> {
  for (const { id } of await threads.findMany({ source_id: demoThread }))
    await conversations.deleteThread(id);
}

async function countAll(store: ChatStore): Promise<void> {
  answer('threads', formatCount(await store.threads.count({})));
  answer('messages', formatCount(await store.messages.count({})));
}

async function pageThroughAll({ conversations }: ChatStore): Promise<void> {
  const digest = createHash('sha256');
  const threads: ContextThread[] = [];
  const pages = await report.time('page through the threads', 'threads', async () => {
    let count = 0;
    let after: Cursor | undefined;
    do {
      const page = await conversations.pageThreads({ limit: 100, after });
      threads.push(...page.items);
      count += 1;
      after = page.nextCursor;
    } while (after !== undefined);
    return { count: threads.length, result: count };
  });
  await report.time('read every thread', 'messages', async () => {
    let count = 0;
    for (const { id, sourceId = '' } of threads) {
      const { messages } = await conversations.threadWithMessages(id, { limit: 1_000 });
      count += messages.length;
      for (const { seq, role, content } of messages) digest.update(`${sourceId} ${seq} ${role} ${content}\n`);
    }
    return { count, result: undefined };
  });
  answer('pages of 100 threads, the latest first', formatCount(pages));
  answer('fingerprint of all that was read', digest.digest('hex').slice(0, 16));
}

async function searchAll({ conversations }: ChatStore): Promise<void> {
  await report.time('search', 'searches', async () => {
    for (const text of searches) {
      const hits = await conversations.search(text, { limit: 1_000 });
      const best = hits[0]?.message.content;
      answer(
        `messages with ${text}`,
        `${formatCount(hits.length)}${best === undefined ? '' : `, first: ${best}`}`,
      );
    }
    return { count: searches.length, result: undefined };
  });
}

async function showThread({ threads, conversations }: ChatStore): Promise<void> {
  const [found] = await threads.findMany({ source_id: shownThread });
  if (found === undefined) return;
  const { thread, messages } = await conversations.threadWithMessages(found.id, { limit: 4 });
  say('', `The last messages of thread ${shownThread}, ${thread.title ?? 'without a title'}:`);
  for (const { seq, role, content } of messages)
    say(`  ${String(seq).padStart(2)}  ${role.padEnd(9)}  ${content}`);
}

async function appendAtOnce({ conversations }: ChatStore, thread: ContextThread): Promise<void> {
  await report.time('append to one thread, all at once', 'messages', async () => {
    const appended = await Promise.all(
      Array.from({ length: appends }, (_, index) =>
        conversations.appendMessage(thread.id, { role: 'user', content: `Message ${index + 1}` }),
      ),
    );
    return { count: appended.length, result: undefined };
  });
  const { messages } = await conversations.threadWithMessages(thread.id, { limit: 1_000 });
  const contents = new Set<string>(messages.map(({ content }) => content));
  const isGapFree = messages.every(({ seq }, index) => seq === index + 1);
  answer('messages after 200 appends at once', formatCount(contents.size));
  answer('their numbers', isGapFree ? `1 to ${messages.length}, without a gap` : 'have gaps');
}

async function updateStale({ conversations }: ChatStore, thread: ContextThread): Promise<void> {
  const { messages } = await conversations.threadWithMessages(thread.id, { limit: 1 });
  const [read] = messages;
  if (read === undefined) return;
  const updated = await conversations.updateMessage(read, { content: 'A first change' });
  answer('version after a change', String(updated.version));
  try {
    await conversations.updateMessage(read, { content: 'A change of what is no longer so' });
    answer('a second change of the same reading', 'was taken');
  } catch (error) {
    if (!(error instanceof StaleEntityError)) throw error;
    answer(
      'a second change of the same reading',
      `${error.name}, ${error.expectedVersion} is not ${error.actualVersion}`,
    );
  }
}

async function deleteAgain({ conversations, messages }: ChatStore, thread: ContextThread): Promise<void> {
  await report.time('delete the thread', 'messages', async () => {
    const count = await messages.count({ thread_id: thread.id });
    await conversations.deleteThread(thread.id);
    return { count, result: undefined };
  });
  answer('its messages after it was deleted', formatCount(await messages.count({ thread_id: thread.id })));
}

/** In memory: a trail is there to stay, and its key with it. */
async function showTrail(): Promise<void> {
  const keys = KeyRing.of([{ id: 'demo', key: randomBytes(32) }]);
  await using store = await openChatStore({ database: 'sqlite::memory:', audit: { keys } });
  await runAs({ type: 'user', id: 'ada' }, async () => {
    const { id } = await store.conversations.startThread({ title: 'Lunch' });
    await store.conversations.appendMessage(id, { role: 'user', content: 'Where?' });
    await store.conversations.deleteThread(id);
  });
  const { items } = await store.audit.trail({});
  for (const { actor, action, entity, changes } of items.toReversed())
    answer(`audit trail: ${actor?.id} ${action}s a ${entity?.type}`, `${changes.length} fields`);
  const { isSound, rows } = await store.audit.verify();
  answer('the trail, verified', `${rows} entries, ${isSound ? 'sound' : 'tampered with'}`);
}

async function runDemo(): Promise<void> {
  const database = chooseDatabase();
  const label = describeDatabase(database);
  say(`The chat store on ${label}`, '');
  await using store = await report.time('open and migrate', 'database', async () => ({
    count: 1,
    // Slow queries stand in the table at the end.
    result: await openChatStore({ database, metrics, logger: silentLogger }),
  }));
  await removeLeftovers(store);
  await importSample(store);
  say('', 'Answers, the same on every engine and on every run');
  await countAll(store);
  await pageThroughAll(store);
  await searchAll(store);
  const thread = await store.conversations.startThread({ sourceId: demoThread, title: 'Demo' });
  await appendAtOnce(store, thread);
  await updateStale(store, thread);
  await deleteAgain(store, thread);
  await showTrail();
  await countAll(store);
  await showThread(store);
  const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
  say('', 'Times', ...indent(report.toLines()));
  say('', 'The five queries that took the most time', ...indent(describeQueries(metrics)));
  say('', 'The pool', ...indent([describePool(store.provider.stats())]));
  say('', `The database lies here: ${label}`);
}

try {
  await runDemo();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
