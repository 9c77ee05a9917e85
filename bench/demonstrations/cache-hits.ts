/**
 * `npm run bench:cache`: what an answer costs that a cache in memory has, beside the same read of the database: a user by id
 * by a prepared query, and a thread with its latest 50 messages by the raw driver, mapped to the same entities. All lie side
 * by side in one run. Then what a Redis costs that is away.
 *
 * Options: `--engine sqlite|postgres|both`, `--rounds 21`, `--duration 40` (ms a round), `--check` (a missed target is exit
 * code 1).
 */
import Database from 'better-sqlite3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { ContextThreadsTable, MessagesTable } from '../../src/chat/chat-database.ts';
import { UserRepository } from '../../src/chat/account/user-repository.ts';
import { contextThreadFromRow } from '../../src/chat/conversation/context-thread-mapper.ts';
import { ContextThreadRepository } from '../../src/chat/conversation/context-thread-repository.ts';
import { messageFromRow } from '../../src/chat/conversation/message-mapper.ts';
import { MessageRepository } from '../../src/chat/conversation/message-repository.ts';
import { createUser, openChatStore } from '../../src/chat/index.ts';
import { cachedTarget, createCache } from '../../src/core/cache/index.ts';
import { prepare, type Param } from '../../src/core/index.ts';
import { getPostgresServer, stopPostgresServer } from '../../test/support/postgres-server.ts';
import { spreadOf } from '../harness/statistics.ts';
import { measureWithoutServer } from './cache-without-server.ts';

/** What is measured: the same answer by the cache and without it. */
interface Task {
  readonly title: string;
  readonly target: number;
  readonly cached: () => Promise<unknown>;
  readonly uncached: () => Promise<unknown>;
}

type Rows = (table: 'context_threads' | 'messages', id: string) => Promise<unknown[]>;

/** A database, and its raw driver. */
interface Place {
  readonly title: string;
  readonly url: string;
  /** How often faster a hit must be than a prepared read. */
  readonly rowTarget: number;
  openRaw(): Promise<{ readonly rows: Rows; close(): Promise<void> }>;
}

const threadText =
  'select id, owner_id, source_id, title, metadata, next_seq, version, created_at, updated_at';
const messageText = 'select id, thread_id, seq, role, content, status, metadata, version, created_at';
const texts = {
  context_threads: `${threadText} from context_threads where id = ?`,
  messages: `${messageText} from messages where thread_id = ? order by seq desc limit 50`,
} as const;

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'both' },
    rounds: { type: 'string', default: '21' },
    duration: { type: 'string', default: '40' },
    check: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const duration = Number(values.duration);
let isMissed = false;

const folder = mkdtempSync(join(tmpdir(), 'liminal-cache-hits-'));

function placeOfSqlite(): Place {
  const filename = join(folder, 'chat.db');
  return {
    title: 'SQLite',
    url: `sqlite:${filename}`,
    rowTarget: 5,
    async openRaw() {
      const database = new Database(filename);
      const statements = {
        context_threads: database.prepare(texts.context_threads),
        messages: database.prepare(texts.messages),
      };
      return {
        rows: async (table, id) => statements[table].all(id),
        close: async () => void database.close(),
      };
    },
  };
}

async function placeOfPostgres(): Promise<Place> {
  const { adminUrl } = await getPostgresServer();
  const name = `liminal_cache_hits_${process.pid}`;
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    title: 'Postgres',
    url: url.href,
    rowTarget: 50,
    async openRaw() {
      const pool = new pg.Pool({ connectionString: url.href });
      // Numbers of 64 bits come as texts else, and JSON as values.
      pg.types.setTypeParser(20, Number);
      for (const json of [114, 3802]) pg.types.setTypeParser(json, String);
      return {
        rows: async (table, id) =>
          (await pool.query({ name: table, text: texts[table].replace('?', '$1'), values: [id] }))
            .rows as unknown[],
        close: () => pool.end(),
      };
    },
  };
}

async function measure(place: Place): Promise<void> {
  await using store = await openChatStore({ database: { url: place.url, slowQueryThreshold: 0 } });
  const { provider, users, conversations } = store;
  const user = await users.insert(createUser({ email: 'ada@example.org' }, { now: Date.now() }));
  const thread = await conversations.startThread({ title: 'Lunch', ownerId: user.id });
  for (let count = 0; count < 60; count += 1) {
    await conversations.appendMessage(thread.id, {
      role: 'user',
      content: `Message ${count}: where shall we go?`,
    });
  }
  await using cache = createCache(provider);
  await cache.ready();
  const target = cachedTarget(provider, { cache });
  const kept = { users: new UserRepository(target) };
  const threadTarget = { threads: cachedTarget(provider, { cache, groups: ['owner_id'] }) };
  const threads = new ContextThreadRepository(threadTarget.threads);
  const messages = new MessageRepository(cachedTarget(provider, { cache, groups: ['thread_id'] }));
  const raw = await place.openRaw();
  const userById = prepare(provider, (db, param: Param<{ id: string }>) =>
    db.selectFrom('users').selectAll().where('id', '=', param('id')),
  );
  const tasks: readonly Task[] = [
    {
      title: 'a user by id / the prepared query',
      target: place.rowTarget,
      cached: () => kept.users.getById(user.id),
      uncached: () => userById.execute({ id: user.id }),
    },
    {
      title: 'a thread with 50 messages / the raw driver and the mapping',
      target: 20,
      cached: async () => ({
        thread: await threads.getById(thread.id),
        messages: await messages.findMany({ thread_id: thread.id }, { orderBy: 'seq desc', limit: 50 }),
      }),
      uncached: async () => ({
        thread: contextThreadFromRow(
          (await raw.rows('context_threads', thread.id))[0] as ContextThreadsTable,
        ),
        messages: (await raw.rows('messages', thread.id)).map((row) => messageFromRow(row as MessagesTable)),
      }),
    },
  ];
  for (const task of tasks) await compare(place, task);
  await raw.close();
}

/** Rounds of both lie side by side, so that the machine is the same for them. */
async function compare({ title: place }: Place, { title, target, cached, uncached }: Task): Promise<void> {
  const [one, other] = [JSON.stringify(await cached()), JSON.stringify(await uncached())];
  if (!title.startsWith('a user') && one !== other) throw new Error('The two do not answer alike.');
  const pairs: { cached: number; uncached: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ cached: await timeOf(cached), uncached: await timeOf(uncached) });
  }
  const ratio = spreadOf(pairs.slice(1).map((pair) => pair.uncached / pair.cached));
  const own = spreadOf(pairs.map((pair) => pair.cached));
  const others = spreadOf(pairs.map((pair) => pair.uncached));
  const isMet = ratio.median >= target;
  isMissed ||= !isMet;
  console.log(
    `${place}: ${title}: ${own.median.toFixed(2)} µs / ${others.median.toFixed(2)} µs, ${ratio.median.toFixed(1)} times faster (${ratio.low.toFixed(1)} to ${ratio.high.toFixed(1)}), target ${target}: ${isMet ? 'met' : 'missed'}`,
  );
}

/** @returns µs for each call */
async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let calls = 0;
  let passed = 0;
  while (passed < duration) {
    for (let count = 0; count < 50; count += 1) await call();
    calls += 50;
    passed = performance.now() - start;
  }
  return (passed * 1_000) / calls;
}

try {
  if (values.engine !== 'postgres') await measure(placeOfSqlite());
  if (values.engine !== 'sqlite') await measure(await placeOfPostgres());
  if (!(await measureWithoutServer())) isMissed = true;
} finally {
  await stopPostgresServer();
  rmSync(folder, { recursive: true, force: true });
}
if (values.check && isMissed) process.exitCode = 1;
