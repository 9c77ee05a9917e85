import { expect } from 'chai';
import { openChatStore } from '../../../src/chat/index.ts';
import { copyDatabase, verifyCopy } from '../../../src/core/copy/index.ts';
import { migrateToLatest, verifyMigrations } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase, describeOnEachDatabase, type TestDatabase } from '../../support/database.ts';
import { chatSets, fillChat, isTrailSound } from './chat-rows.ts';
import { chinookMigrations, fillChinook } from './chinook.ts';
import { contentOf } from './content-of.ts';
import { useMigrated, useProviders, type Provider } from './copy-scene.ts';

describeOnDatabase('sqlite-file', 'a copy of the chat', (sqlite) => {
  describeOnDatabase('postgres', 'and back', (postgres) => {
    const open = useProviders();

    it('holds every table, proves its trail, is found by words, and goes on', async () => {
      const url = await sqlite.freshUrl();
      await migrateToLatest(open(url), chatSets);
      const source = open(url);
      await fillChat(url, source);
      const content = await contentOf(source);
      expect(
        Object.entries(content)
          .filter(([, rows]) => rows.length === 0)
          .map(([name]) => name),
      ).to.have.members([
        'audit_holds',
        'audit_maintenance',
        'audit_segments',
        'inbox_messages',
        'oauth_identities',
        'outbox_dead_letters',
        'user_preferences',
      ]);
      let before = source;
      for (const next of [await postgres.freshUrl(), await sqlite.freshUrl()]) {
        const target = open(next);
        const report = await copyDatabase(before, target, {
          migrate: () => migrateToLatest(target, chatSets),
        });
        expect(report.changed).to.deep.equal([]);
        expect(await contentOf(target)).to.deep.equal(content);
        expect((await verifyMigrations(target, chatSets)).isSound).to.equal(true);
        expect(await isTrailSound(next)).to.equal(true);
        await goOn(next);
        expect((await verifyCopy(before, target)).tables.filter(({ isEqual }) => !isEqual)).to.have.length(3);
        // What was added is no part of the next copy.
        before = source;
      }
    });
  });
});

/** The target works as any other: its search finds old and new, its keys and triggers are there. */
async function goOn(url: string): Promise<void> {
  await using store = await openChatStore({ database: url });
  const { conversations, provider } = store;
  const thread = await conversations.startThread({ title: 'New' });
  await conversations.appendMessage(thread.id, { role: 'user', content: 'Where is the new café?' });
  const found = await conversations.search('café');
  expect(found).to.have.length(10);
  const refused = await provider.exec(`update audit_logs set action = 'x'`).catch((error: unknown) => error);
  expect(refused).to.be.an('error');
  const orphan = await provider
    .exec(`update context_threads set owner_id = '00000000-0000-7000-8000-0000000000ff'`)
    .catch((error: unknown) => error);
  expect(orphan).to.have.property('code', 'LIMINAL_FOREIGN_KEY_VIOLATION');
}

describeOnEachDatabase('a copy of Chinook', (from) => {
  describeOnEachDatabase('into', (to) => {
    const migrated = useMigrated([chinookMigrations]);

    it('is the same', () => copyChinook(from, to, migrated));
  });
});

async function copyChinook(
  from: TestDatabase,
  to: TestDatabase,
  migrated: (url: string) => Promise<Provider>,
): Promise<void> {
  const source = await migrated(await from.freshUrl());
  const target = await migrated(await to.freshUrl());
  const count = await fillChinook(source, 7);
  const stages = new Set<string>();
  let last = 0;
  const report = await copyDatabase(source, target, {
    onProgress({ stage, rows, total }) {
      stages.add(stage);
      if (stage === 'copy') {
        expect(rows).to.be.at.least(last).and.at.most(total);
        last = rows;
      }
    },
  });
  expect(report.rows).to.equal(count);
  expect(last).to.equal(count);
  expect(report).to.include({ quarantined: 0, resumed: false });
  expect([...stages]).to.deep.equal(['snapshot', 'copy', 'check', 'verify']);
  expect(report.tables.map(({ table }) => table)).to.have.length(11);
  expect(await contentOf(target)).to.deep.equal(await contentOf(source));
  // Nothing of the work is left, and foreign keys hold again.
  const names = await (
    target.db as unknown as Parameters<typeof target.migrations.readSchema>[0]
  ).introspection.getTables();
  expect(names.filter(({ name }) => name.startsWith('liminal_copy'))).to.deep.equal([]);
  const orphan = await target.exec('update albums set artist_id = 99999').catch((error: unknown) => error);
  expect(orphan).to.have.property('code', 'LIMINAL_FOREIGN_KEY_VIOLATION');
}
