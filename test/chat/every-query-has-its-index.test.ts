import { expect } from 'chai';
import type { CompiledQuery } from 'kysely';
import { randomBytes } from 'node:crypto';
import {
  createApiKey,
  createPreference,
  openChatStore,
  renameUser,
  type ChatStore,
} from '../../src/chat/index.ts';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import { KeyRing } from '../../src/core/security/index.ts';
import type { Cursor, DatabaseProvider, Page } from '../../src/core/index.ts';
import { postgresEngine } from '../../src/core/engine/postgres/index.ts';
import { sqliteEngine } from '../../src/core/engine/sqlite/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { planReaders } from './plans.ts';
import { recordStatements } from './recording-engine.ts';
import { insertAll } from './rows.ts';

// What one user has of them is a handful, which may be sorted after it was found.
const isSmallList = /from "(?:oauth_identities|api_keys)" where "user_id" = \S+ order by/u;

/** Everything that the repositories and services ask, as an application would. */
async function askEverything(store: ChatStore): Promise<void> {
  const { users, apiKeys, preferences, oauthIdentities, accounts, conversations, threads, messages } = store;
  const signIn = { provider: 'google', providerUserId: '1', email: 'ada@example.com', emailVerified: true };
  const user = await accounts.findOrCreateByOAuth(signIn);
  await accounts.findOrCreateByOAuth(signIn);
  await users.findByEmail(user.email);
  await users.update(renameUser(user, 'Ada', { now: user.updatedAt }));
  await oauthIdentities.findMany({ user_id: user.id });
  const apiKey = await apiKeys.insert(createApiKey({ userId: user.id, provider: 'openai' }, { now: 1 }));
  await apiKeys.findMany({ user_id: user.id });
  await apiKeys.store(user.id, 'openai', 'secret');
  await apiKeys.reveal(user.id, 'openai');
  await apiKeys.touch(user.id, 'openai');
  const [stored] = await apiKeys.list(user.id);
  const [identity] = await oauthIdentities.findMany({ user_id: user.id });
  await oauthIdentities.storeRefreshToken(identity!.id, 'secret');
  await oauthIdentities.revealRefreshToken(identity!.id);
  await apiKeys.delete({ ...stored!, id: apiKey.id });
  const theme = createPreference({ userId: user.id, name: 'theme', value: 'dark' }, { now: 1 });
  await preferences.upsert(theme);
  await preferences.findById({ user_id: user.id, name: theme.name });
  await preferences.findMany({ user_id: user.id }, { orderBy: 'name' });

  const thread = await conversations.startThread({ ownerId: user.id, sourceId: 'source-1' });
  for (let day = 1; day <= 3; day += 1) await conversations.startThread({ ownerId: user.id });
  for (let turn = 0; turn < 4; turn += 1) {
    await conversations.appendMessage(thread.id, { role: 'user', content: `Hello ${turn}` });
  }
  const { messages: latest } = await conversations.threadWithMessages(thread.id, { limit: 2 });
  await conversations.updateMessage(latest[0]!, { content: 'Good bye' });
  await messages.stream({ thread_id: thread.id }, { orderBy: 'seq', chunkSize: 2 }).next();
  for (const range of [undefined, { from: 0, to: Number.MAX_SAFE_INTEGER }]) {
    await askPages((cursor) => conversations.pageMessages(thread.id, { ...range, ...cursor, limit: 1 }));
  }
  for (const owner of [undefined, { userId: user.id }]) {
    await askPages((cursor) => conversations.pageThreads({ ...owner, ...cursor, limit: 1 }));
  }
  await threads.count({ owner_id: user.id });
  await threads.exists({ source_id: 'source-1' });
  await conversations.deleteThread(thread.id);
}

/** The first page, one behind it, one ahead of that, and one with nothing on it. */
async function askPages(
  ask: (cursor: { after?: Cursor | undefined; before?: Cursor | undefined }) => Promise<Page<unknown>>,
): Promise<void> {
  const first = await ask({});
  expect(first.nextCursor).to.be.a('string');
  const second = await ask({ after: first.nextCursor });
  expect(second.previousCursor).to.be.a('string');
  await ask({ before: second.previousCursor });
}

describeOnEachDatabase('every query has its index', (database) => {
  const sent = new Map<string, CompiledQuery>();
  let store: ChatStore;
  let provider: DatabaseProvider<ChatDatabase>;

  before(async () => {
    let listening = false;
    const record = (statement: CompiledQuery) => {
      if (listening) sent.set(statement.sql, statement);
    };
    const engines = [recordStatements(sqliteEngine, record), recordStatements(postgresEngine, record)];
    store = await openChatStore({
      database: await database.freshUrl(),
      engines,
      encryption: KeyRing.of([{ id: 'one', key: randomBytes(32) }]),
    });
    provider = store.provider;
    await insertAll(provider.db);
    listening = true;
    await askEverything(store);
    listening = false;
  });

  after(() => store.close());

  const plans = planReaders[database.name === 'postgres' ? 'postgres' : 'sqlite'];
  const isJudged = ({ sql: text }: CompiledQuery) => /^(?:select|update|delete)\b/iu.test(text);

  it('of those that the repositories and services send', async () => {
    const judged = [...sent.values()].filter(isJudged);
    expect(judged.length).to.be.greaterThan(25);
    const slow: string[] = [];
    for (const statement of judged) {
      const maySort = isSmallList.test(statement.sql);
      const steps = await plans.planOf(provider.db, statement, maySort);
      const isIndexed = /index/iu.test(steps.join('\n'));
      const isSlow = steps.some((step) => plans.reads.test(step) || (!maySort && plans.sorts.test(step)));
      if (!isIndexed || isSlow) slow.push(`${statement.sql}\n${steps.join('\n')}`);
    }
    expect(slow.join('\n\n')).to.equal('');
  });

  it('the words of a search', async () => {
    const ask = provider.db
      .withTables<{ message_search: { message_id: string } }>()
      .selectFrom('message_search')
      .select('message_id')
      .where(provider.sql.matchesAll('message_search', ['ahello']));
    const plan = await plans.planOf(provider.db, ask.compile());
    expect(plan.join('\n')).to.match(plans.fullText);
    expect(plan.join('\n')).not.to.match(/SCAN message_search\b|Seq Scan/);
  });

  it('every foreign key leads an index, so that a cascade scans nothing', async () => {
    const { rows } = await plans.foreignKeys(provider.db);
    expect(rows.map(({ child }) => child)).to.have.members([
      'oauth_identities.user_id',
      'api_keys.user_id',
      'user_preferences.user_id',
      'context_threads.owner_id',
      'messages.thread_id',
      'message_search.message_id',
      'saga_steps.saga_id',
    ]);
    expect(rows.filter(({ indexed }) => Number(indexed) === 0)).to.deep.equal([]);
  });
});
