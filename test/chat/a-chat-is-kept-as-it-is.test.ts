import { expect } from 'chai';
import { createUser, openChatStore, renameUser, type UserId } from '../../src/chat/index.ts';
import { generateKey, KeyRing } from '../../src/core/security/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';

const now = 1_700_000_000_000;

describeOnEachDatabase('a chat is kept as it is', (database) => {
  for (const isAudited of [false, true]) {
    it(`for users, threads and latest messages${isAudited ? ', audited as well' : ''}`, async () => {
      let statements = 0;
      const keys = KeyRing.of([{ id: 'audit', key: generateKey().key }]);
      await using store = await openChatStore({
        database: await database.freshUrl(),
        cache: { ttl: 30_000 },
        onStatement: () => (statements += 1),
        ...(isAudited && { audit: { keys } }),
      });
      const { users, conversations, cache, unitOfWork } = store;
      const sentBy = async (work: () => Promise<unknown>) => {
        statements = 0;
        await work();
        return statements;
      };
      const user = await users.insert(createUser({ email: 'ada@example.org' }, { now }));
      const thread = await conversations.startThread({ title: 'Lunch', ownerId: user.id });
      const append = (content: string) => conversations.appendMessage(thread.id, { role: 'user', content });
      await append('one');
      const read = async () => ({
        user: await users.getById(user.id),
        found: await users.findByEmail('ADA@example.org'),
        latest: await conversations.threadWithMessages(thread.id),
      });
      const first = await read();
      expect(await sentBy(read)).to.equal(0);
      expect(await read()).to.deep.equal(first);
      await append('two');
      expect((await read()).latest.messages.map(({ content }) => content)).to.deep.equal(['one', 'two']);
      expect(await sentBy(() => users.getById(user.id))).to.equal(0);
      await unitOfWork.run(async ({ repositories }) => {
        await repositories.users.update(
          renameUser(await repositories.users.getById(user.id), 'Ada', { now }),
        );
      });
      expect((await read()).user.displayName).to.equal('Ada');
      const mine = store.scopedTo(user.id);
      expect(await mine.threads.findById(thread.id)).to.have.property('id', thread.id);
      const others = store.scopedTo(crypto.randomUUID() as UserId);
      expect(await others.threads.findById(thread.id)).to.equal(undefined);
      await users.deleteById(user.id);
      expect(await users.findById(user.id)).to.equal(undefined);
      expect(await store.threads.findById(thread.id)).to.equal(undefined);
      expect(await conversations.pageMessages(thread.id))
        .to.have.property('items')
        .with.length(0);
      expect(cache!.stats().regions['users']!.hits).to.be.greaterThan(1);
    });
  }
});
