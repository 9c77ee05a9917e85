import BetterSqlite3 from 'better-sqlite3';
import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { canonicalJson } from '../../../src/chat/legacy/proof/thread-content.ts';
import { legacyKinds } from '../../../src/chat/legacy/proof/prove-import.ts';
import { openChatStore } from '../../../src/chat/index.ts';
import { silentLogger } from '../../../src/core/index.ts';
import { withSlowQueryThreshold } from '../../../src/core/metrics/index.ts';
import { lookAtFolder, unpackLegacyDatabase } from './legacy-files.ts';
import { dumpTarget, importFrom, openTarget, reportOf } from './legacy-target.ts';

interface LegacyMessage {
  readonly id: string;
  readonly role: string;
  readonly content: string;
  readonly createdAt: number;
  readonly status?: string;
  readonly metadata?: unknown;
}

const expected = {
  users: 25,
  oauth_identities: 25,
  api_keys: 18,
  user_preferences: 25,
  context_threads: 1_000,
  messages: 15_668,
};

describeOnEachDatabase('the database of the application comes in whole', (database) => {
  it('with every message in its place, every key as it was, nothing in quarantine, and the source untouched', async () => {
    const file = unpackLegacyDatabase();
    const before = lookAtFolder(file);
    await using store = await openTarget(await database.freshUrl());
    let commits = 0;
    const report = await importFrom(store, [file], {
      onProgress: ({ stage }) => {
        if (stage === 'import') commits += 1;
      },
    });
    // Users, threads by ten thousand messages, and the end of both.
    expect(commits).to.equal(5);
    expect(lookAtFolder(file)).to.deep.equal(before);

    for (const kind of legacyKinds) {
      const count = expected[kind];
      expect(report.proof.counts[kind], kind).to.deep.equal({ source: count, leftOut: 0, target: count });
    }
    expect(report.proof).to.include({ differences: 0, targetHash: report.proof.sourceHash });
    expect(report.quarantine).to.deep.equal({ kept: 0, leftOut: 0, byReason: {}, givenIds: 0 });
    expect(await reportOf(store)).to.deep.equal([]);
    const rate = Math.round((report.messages * 1_000) / report.duration);
    console.log(`  ${report.messages} messages, ${rate}/s on a machine that does other things as well`);

    const source = new BetterSqlite3(file, { readonly: true });
    const rows = source.prepare('select * from context_threads').all() as {
      id: string;
      messages: string;
      created_at: number;
      updated_at: number;
    }[];
    source.close();
    const stored = await store.messages.findMany({}, { orderBy: ['thread_id', 'seq'] });
    const byThread = Map.groupBy(stored, ({ threadId }) => threadId as string);
    for (const row of rows) {
      const messages = JSON.parse(row.messages) as LegacyMessage[];
      const found = byThread.get(row.id) ?? [];
      const expectedRows = messages.map(
        ({ id, role, content, createdAt, status = 'complete', metadata }, index) => [
          id,
          index + 1,
          role,
          content,
          createdAt,
          status,
          canonicalJson(metadata ?? null),
        ],
      );
      const foundRows = found.map(({ id, seq, role, content, createdAt, status, metadata }) => [
        id,
        seq,
        role,
        content,
        createdAt,
        status,
        canonicalJson(metadata ?? null),
      ]);
      expect(JSON.stringify(foundRows)).to.equal(JSON.stringify(expectedRows));
    }

    let [openai, anthropic] = [0, 0];
    for (let number = 0; number < 25; number += 1) {
      const user = (await store.users.findByEmail(`user${number}@example.com`))!;
      for (const key of await store.apiKeys.list(user.id)) {
        const prefix = key.provider === 'openai' ? 'sk-test-openai' : 'sk-ant-test';
        const revealed = await store.apiKeys.reveal(user.id, key.provider);
        expect(revealed.reveal() === `${prefix}-${number}`, `key of user ${number}`).to.equal(true);
        if (key.provider === 'openai') openai += 1;
        else anthropic += 1;
      }
    }
    expect({ openai, anthropic }).to.deep.equal({ openai: 13, anthropic: 5 });
    const hits = await store.conversations.search('vegetarian restaurant', { limit: 5 });
    expect(hits).not.to.deep.equal([]);
  });

  it('without a word on the console of how slow its own snapshots are', async () => {
    const said: unknown[] = [];
    const { warn } = console;
    console.warn = (...words: unknown[]) => void said.push(words);
    try {
      const url = await database.freshUrl();
      await using store = await openChatStore({ database: url, migrate: false, logger: silentLogger });
      // A stream of the snapshot lasts as long as what is done with its rows.
      await withSlowQueryThreshold(1, () => importFrom(store, [unpackLegacyDatabase(60)]));
    } finally {
      console.warn = warn;
    }
    expect(said).to.deep.equal([]);
  });

  it('once, however often it is imported', async () => {
    const file = unpackLegacyDatabase(60);
    await using store = await openTarget(await database.freshUrl());
    await importFrom(store, [file]);
    const before = await dumpTarget(store.provider);
    const again = await importFrom(store, [file]);
    expect(again).to.deep.include({ isResumed: true, messages: 0 });
    expect(again.proof.differences).to.equal(0);
    expect(await dumpTarget(store.provider)).to.deep.equal(before);
  });
});
