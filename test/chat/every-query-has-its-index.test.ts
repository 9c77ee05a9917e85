import { expect } from 'chai';
import { sql, type CompiledQuery, type Kysely } from 'kysely';
import type { ChatDatabase } from '../../src/chat/chat-database.ts';
import { createUuidSource } from '../../src/core/domain/index.ts';
import type { DatabaseProvider } from '../../src/core/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { planReaders } from './plans.ts';
import { insertAll, openMigrated } from './rows.ts';

type Database = Kysely<ChatDatabase>;

const id = createUuidSource()();

/** The questions that the repositories ask, in the order that they want. */
const questions: Readonly<Record<string, (db: Database) => { compile(): CompiledQuery }>> = {
  'a user by e-mail address': (db) =>
    db.selectFrom('users').selectAll().where('email', '=', 'ada@example.com'),
  'an identity by what the provider calls it': (db) =>
    db
      .selectFrom('oauth_identities')
      .selectAll()
      .where('provider', '=', 'google')
      .where('provider_user_id', '=', '1'),
  'the identities of a user': (db) => db.selectFrom('oauth_identities').selectAll().where('user_id', '=', id),
  'the API keys of a user': (db) => db.selectFrom('api_keys').selectAll().where('user_id', '=', id),
  'a preference': (db) =>
    db.selectFrom('user_preferences').selectAll().where('user_id', '=', id).where('name', '=', 'theme'),
  'the preferences of a user': (db) =>
    db.selectFrom('user_preferences').selectAll().where('user_id', '=', id).orderBy('name'),
  'an imported thread': (db) =>
    db.selectFrom('context_threads').selectAll().where('source_id', '=', '1_00001'),
  'the threads of an owner, newest first': (db) =>
    newestThreads(db)
      .where('owner_id', '=', id)
      .where(sql<boolean>`(updated_at, id) < (${5}, ${id})`),
  'all threads, newest first': (db) => newestThreads(db),
  'the latest messages of a thread': (db) =>
    db.selectFrom('messages').selectAll().where('thread_id', '=', id).orderBy('seq', 'desc').limit(50),
  'older messages of a thread': (db) =>
    db
      .selectFrom('messages')
      .selectAll()
      .where('thread_id', '=', id)
      .where('seq', '<', 100)
      .orderBy('seq', 'desc')
      .limit(50),
  'the messages of a thread in a range of times': (db) =>
    db
      .selectFrom('messages')
      .selectAll()
      .where('thread_id', '=', id)
      .where('created_at', '>=', 5)
      .where('created_at', '<', 9)
      .orderBy('created_at', 'desc')
      .orderBy('seq', 'desc')
      .limit(50),
  'the search row of a message': (db) =>
    db
      .withTables<{ message_search: { message_id: string; tokens: string } }>()
      .selectFrom('message_search')
      .select('tokens')
      .where('message_id', '=', id),
  'the latest health checks of a kind': (db) =>
    db
      .selectFrom('health_checks')
      .selectAll()
      .where('check_type', '=', 'database')
      .orderBy('checked_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1),
};

function newestThreads(db: Database) {
  return db
    .selectFrom('context_threads')
    .selectAll()
    .orderBy('updated_at', 'desc')
    .orderBy('id', 'desc')
    .limit(50);
}

describeOnEachDatabase('every query has its index', (database) => {
  let provider: DatabaseProvider<ChatDatabase>;

  before(async () => {
    provider = await openMigrated(await database.freshUrl());
    await insertAll(provider.db);
  });

  after(() => provider.close());

  const plans = planReaders[database.name === 'postgres' ? 'postgres' : 'sqlite'];

  for (const [title, ask] of Object.entries(questions)) {
    it(title, async () => {
      const plan = await plans.planOf(provider.db, ask(provider.db).compile());
      expect(plan.join('\n')).to.match(/index/i);
      expect(plan.filter((step) => plans.slow.test(step))).to.deep.equal([]);
    });
  }

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
    ]);
    expect(rows.filter(({ indexed }) => Number(indexed) === 0)).to.deep.equal([]);
  });
});
