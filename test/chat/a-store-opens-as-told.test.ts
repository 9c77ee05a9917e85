import { expect } from 'chai';
import { MigrationError, UniqueViolationError, ValidationError } from '../../src/core/index.ts';
import {
  createApiKey,
  createPreference,
  createUser,
  markApiKeyUsed,
  openChatStore,
  revokeApiKey,
  type ChatStore,
} from '../../src/chat/index.ts';
import { createQueryMetrics } from '../../src/core/metrics/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../support/database.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { rejectionOf } from '../support/rejection.ts';

const now = { now: 1_747_000_000_000 };

async function tablesOf(store: ChatStore): Promise<string[]> {
  const tables = await store.provider.db.introspection.getTables();
  return tables.map(({ name }) => name);
}

describeOnEachDatabase('a chat store', (database) => {
  it('brings up its own tables and those of the health history, or none where it is told so', async () => {
    await using store = await openChatStore({ database: await database.freshUrl() });
    expect(await tablesOf(store)).to.include.members([
      'users',
      'messages',
      'message_search',
      'health_checks',
    ]);
    await using bare = await openChatStore({ database: await database.freshUrl(), migrate: false });
    expect(bare.provider.stats().created).to.equal(0);
    expect(await tablesOf(bare)).not.to.include('users');
  });

  it('keeps no connection where its cache cannot be made', async () => {
    const events: string[] = [];
    const opening = openChatStore({
      database: await database.freshUrl(),
      cache: { uncertaintyWindow: 1 },
      onPoolEvent: ({ type }) => events.push(type),
    });
    expect(await rejectionOf(opening)).to.be.instanceOf(ValidationError);
    const count = (type: string) => events.filter((event) => event === type).length;
    expect(count('created')).to.be.greaterThan(0);
    expect(count('retired')).to.equal(count('created'));
  });

  it('tells of its health and of its schema, and keeps what it told', async () => {
    const budgets = { latency: { degraded: 60_000 }, disk: { degraded: 1 } };
    const health = { budgets, checks: [{ name: 'model', run: () => {} }] };
    const opened = { database: await database.freshUrl(), health };
    await using store = await openChatStore(opened);
    const report = await store.health.ready();
    expect(report.status, JSON.stringify(report)).to.equal('healthy');
    expect(report.checks.map(({ name }) => name)).to.include.members(['latency', 'schema', 'model']);
    await store.healthHistory.flush();
    const { items } = await store.healthHistory.page({ check: 'schema' });
    expect(items.map(({ status }) => status)).to.deep.equal(['healthy']);
    await store.close();
    expect((await store.health.ready()).status).to.equal('unhealthy');

    await using bare = await openChatStore({ database: await database.freshUrl(), migrate: false });
    expect((await bare.health.ready()).status).to.equal('unhealthy');
  });

  it('counts its queries where it is given metrics, and warns of what repeats where it is told to', async () => {
    const metrics = createQueryMetrics();
    const logger = recordingLogger();
    const url = await database.freshUrl();
    const watching = { metrics, logger, warnOfNPlusOne: true };
    await using store = await openChatStore({ database: url, ...watching });
    await store.users.insert(createUser({ email: 'a@example.org' }, now));
    const inserts = metrics.queries().filter(({ text }) => text.startsWith('insert into users'));
    expect(inserts.map(({ calls }) => calls)).to.deep.equal([1]);
    await store.unitOfWork.run(async ({ repositories: { users } }) => {
      for (let count = 0; count < 11; count += 1) await users.count({ email: `${count}@example.org` });
    });
    expect(logger.lines.map(({ message }) => message)).to.deep.equal([
      'the same query ran again and again (N+1)',
    ]);
  });

  it('keeps one preference a user and name, and one key a user and provider', async () => {
    await using store = await openChatStore({ database: await database.freshUrl() });
    const { apiKeys, preferences, users } = store;
    const user = await users.insert(createUser({ email: 'a@example.org' }, now));
    const userId = user.id;
    for (const name of ['theme', 'language']) {
      await preferences.insert(createPreference({ userId, name, value: name }, now));
    }
    const theme = createPreference({ userId, name: 'theme', value: { dark: true } }, now);
    expect(await preferences.upsert(theme)).to.deep.include({ value: { dark: true }, version: 2 });
    expect(await preferences.count({ user_id: userId })).to.equal(2);
    expect(await preferences.getById({ user_id: userId, name: theme.name })).to.deep.include({ version: 2 });

    const key = await apiKeys.insert(createApiKey({ userId, provider: 'openai' }, now));
    const again = apiKeys.insert(createApiKey({ userId, provider: 'openai' }, now));
    expect(await rejectionOf(again)).to.be.instanceOf(UniqueViolationError);
    const used = await apiKeys.update(markApiKeyUsed(key, { now: now.now + 1 }));
    const revoked = await apiKeys.update(revokeApiKey(used, { now: now.now + 2 }));
    expect(await apiKeys.getById(key.id)).to.deep.equal(revoked);
    expect(revoked).to.include({ lastUsedAt: now.now + 1, revokedAt: now.now + 2, version: 3 });
  });

  it('never puts the time of a thread back, whatever the clock does', async () => {
    const clock = new FakeClock();
    await using store = await openChatStore({ database: await database.freshUrl(), clock });
    const thread = await store.conversations.startThread();
    clock.jumpTo(clock.now() - 60_000);
    await store.conversations.appendMessage(thread.id, { role: 'user', content: 'from yesterday' });
    expect((await store.threads.getById(thread.id)).updatedAt).to.equal(thread.updatedAt);
  });

  it('pages by place and not by time, except through a range of times', async () => {
    await using store = await openChatStore({ database: await database.freshUrl() });
    const times = [5, 3, 9, 1];
    const messages = times.map((createdAt) => ({
      role: 'user' as const,
      content: `at ${createdAt}`,
      createdAt,
    }));
    await store.conversations.importThreads([{ sourceId: 'odd', createdAt: 1, messages }]);
    const thread = await store.threads.findFirst({ source_id: 'odd' });
    const byPlace = await store.conversations.pageMessages(thread!.id);
    expect(byPlace.items.map(({ createdAt }) => createdAt)).to.deep.equal([1, 9, 3, 5]);
    const byTime = await store.conversations.pageMessages(thread!.id, { from: 1, to: 9 });
    expect(byTime.items.map(({ createdAt }) => createdAt)).to.deep.equal([5, 3, 1]);
    // All of one length and so of one score.
    const hits = await store.conversations.search('at');
    expect(hits.map(({ message }) => message.createdAt)).to.deep.equal([9, 5, 3, 1]);
  });

  it('gives 50 messages, threads and rows a page, and 20 hits, where no limit is said', async () => {
    await using store = await openChatStore({ database: await database.freshUrl() });
    const { conversations, messages } = store;
    const threads = Array.from({ length: 60 }, (_, index) => ({
      sourceId: `s${index}`,
      createdAt: index,
      messages: Array.from({ length: index === 0 ? 60 : 0 }, () => ({
        role: 'user' as const,
        content: 'word',
      })),
    }));
    await conversations.importThreads(threads);
    const thread = await store.threads.findFirst({ source_id: 's0' });
    expect((await conversations.threadWithMessages(thread!.id)).messages).to.have.length(50);
    expect((await conversations.pageMessages(thread!.id)).items).to.have.length(50);
    expect((await conversations.pageThreads()).items).to.have.length(50);
    expect((await messages.page({})).items).to.have.length(50);
    expect(await conversations.search('word')).to.have.length(20);
  });
});

describeOnDatabase('postgres', 'a chat store that cannot be brought up to date', (database) => {
  it('is closed again, and says why', async () => {
    const url = await database.freshUrl();
    await using other = await openChatStore({ database: url, migrate: false });
    await other.provider.exec('create table users (id integer)');
    expect(await rejectionOf(openChatStore({ database: url }))).to.be.instanceOf(MigrationError);
    const [row] = await other.provider.query<{ n: number }>(
      'select count(*) as n from pg_stat_activity where datname = current_database()',
    );
    expect(row?.n).to.equal(1);
  });
});
