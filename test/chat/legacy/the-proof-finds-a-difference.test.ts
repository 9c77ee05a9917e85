import { expect } from 'chai';
import { sql } from 'kysely';
import type { ChatStore } from '../../../src/chat/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { NotedPlaces } from '../../../src/chat/legacy/proof/noted-places.ts';
import { readSourceRows } from '../../../src/chat/legacy/proof/source-content.ts';
import { DatabaseProviderFactory } from '../../../src/core/index.ts';
import { changeLegacyDatabase, makeLegacyDatabase, unpackLegacyDatabase } from './legacy-files.ts';
import { importFrom, openTarget } from './legacy-target.ts';

/** What an import may do wrong, by what it would leave behind. */
const mutants: Readonly<Record<string, (store: ChatStore, thread: string) => Promise<unknown>>> = {
  'a message that is missing': ({ provider }, thread) =>
    provider.db.deleteFrom('messages').where('thread_id', '=', thread).where('seq', '=', 3).execute(),
  'a character that is another one': ({ provider }, thread) =>
    provider.db
      .updateTable('messages')
      .set({ content: sql<string>`content || '.'` })
      .where('thread_id', '=', thread)
      .where('seq', '=', 2)
      .execute(),
  'two messages that are swapped': async ({ provider }, thread) => {
    for (const [from, to] of [
      [1, 9_999],
      [2, 1],
      [9_999, 2],
    ] as const) {
      await provider.db
        .updateTable('messages')
        .set({ seq: to })
        .where('thread_id', '=', thread)
        .where('seq', '=', from)
        .execute();
    }
  },
  'a message that is there twice': async ({ provider, messages }, thread) => {
    const [first] = await messages.findMany({ thread_id: thread }, { orderBy: 'seq', limit: 1 });
    await messages.insert({ ...first!, id: crypto.randomUUID() as never, seq: 9_999 });
    await provider.db
      .updateTable('context_threads')
      .set({ next_seq: 9_999 })
      .where('id', '=', thread)
      .execute();
  },
  'metadata that is another one': ({ provider }, thread) =>
    provider.db
      .updateTable('messages')
      .set({ metadata: '{"a":1}' })
      .where('thread_id', '=', thread)
      .where('seq', '=', 2)
      .execute(),
  'a time that is another one': ({ provider }, thread) =>
    provider.db.updateTable('context_threads').set({ updated_at: 5 }).where('id', '=', thread).execute(),
  'a thread that is missing': ({ provider }, thread) =>
    provider.db.deleteFrom('context_threads').where('id', '=', thread).execute(),
  'a thread that nobody wrote': ({ conversations }) => conversations.startThread({ title: 'Invented' }),
  'a key that is missing': async ({ provider, apiKeys }) => {
    const [key] = await apiKeys.findMany({}, { limit: 1 });
    await provider.db.deleteFrom('api_keys').where('id', '=', key!.id).execute();
  },
  'a user who is missing': async ({ provider, users }) => {
    const [user] = await users.findMany({}, { limit: 1 });
    await provider.db.deleteFrom('users').where('id', '=', user!.id).execute();
  },
};

describeOnEachDatabase('the proof of an import', (database) => {
  it('finds each difference', async () => {
    const file = unpackLegacyDatabase(12);
    await using store = await openTarget(await database.freshUrl());
    let { differences } = (await importFrom(store, [file])).proof;
    expect(differences).to.equal(0);
    const threads = await store.threads.findMany({}, { orderBy: 'id' });
    for (const [index, [what, mutate]] of Object.entries(mutants).entries()) {
      await mutate(store, threads[index]!.id);
      const { proof } = await importFrom(store, [file]);
      expect(proof.differences, what).to.be.greaterThan(differences);
      ({ differences } = proof);
    }
  });
});

describe('the proof of a large thread', () => {
  it('asks the quarantine in a time that grows with the notes', () => {
    const count = 30_000;
    const notes = Array.from({ length: count }, (_, index) => ({
      place: `messages.${index}.createdAt`,
      outcome: 'kept',
      seq: index + 1,
      reason: 'time-in-seconds',
    }));
    const start = process.cpuUsage();
    const noted = new NotedPlaces(notes);
    let found = 0;
    for (let index = 0; index < count; index += 1) {
      if (noted.isOut(`messages.${index}`) || noted.isMended(`messages.${index}.id`)) continue;
      if (noted.isMended(`messages.${index}.createdAt`) && noted.isMendedAt(index + 1, 'createdAt'))
        found += 1;
    }
    expect(found).to.equal(count);
    // A list that was searched for each of them took 20 s.
    expect(process.cpuUsage(start).user).to.be.lessThan(3_000_000);
  });

  it('holds few long rows at once, and passes over none', async () => {
    const messages = JSON.stringify('x'.repeat(1_500_000));
    const file = makeLegacyDatabase({
      threads: Array.from({ length: 7 }, (_, index) => ({ id: `t${index}`, messages })),
    });
    changeLegacyDatabase(file, (legacy) =>
      legacy.exec("update context_threads set messages = '[]' where rowid > 4"),
    );
    await using provider = DatabaseProviderFactory.createProvider<unknown>({
      type: 'sqlite',
      connection: { filename: file },
    });
    const batches: string[][] = [];
    for await (const rows of readSourceRows(provider.db, 'context_threads', 100)) {
      batches.push(rows.map(({ rowid }) => rowid));
    }
    expect(batches).to.deep.equal([
      ['1', '2'],
      ['3', '4', '5', '6', '7'],
    ]);
  });
});
