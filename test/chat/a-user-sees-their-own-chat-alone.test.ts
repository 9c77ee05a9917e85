import { expect } from 'chai';
import {
  createMessage,
  createOauthIdentity,
  createPreference,
  createUser,
  retitleThread,
  type ChatStore,
  type ContextThread,
  type Message,
  type ScopedChat,
  type User,
} from '../../src/chat/index.ts';
import { newId } from '../../src/core/domain/index.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../../src/core/index.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { soakCount } from '../support/engines.ts';
import { useChatStores } from '../support/chat-store.ts';
import { rejectionOf } from '../support/rejection.ts';
import { integerBetween, seededRandom } from '../support/seeded-random.ts';

const now = 1_700_000_000_000;
const seed = 6;

interface Account {
  readonly user: User;
  readonly chat: ScopedChat;
  threads: ContextThread[];
  messages: Message[];
}

describeOnEachDatabase('a user sees their own chat alone', (database) => {
  const openStore = useChatStores(database);

  async function openAccount(store: ChatStore, name: string): Promise<Account> {
    const user = await store.users.insert(createUser({ email: `${name}@example.org` }, { now }));
    const chat = store.scopedTo(user.id);
    const owned = { userId: user.id, provider: 'example' };
    await chat.oauthIdentities.insert(createOauthIdentity({ ...owned, providerUserId: name }, { now }));
    await chat.preferences.insert(createPreference({ userId: user.id, name: 'theme', value: name }, { now }));
    const threads: ContextThread[] = [];
    const messages: Message[] = [];
    for (let count = 0; count < 2; count += 1) {
      const thread = await chat.conversations.startThread({ title: `${name} ${count}` });
      threads.push(thread);
      const contents = ['secret', name].map((content) => ({ role: 'user' as const, content }));
      messages.push(...(await chat.conversations.appendMessages(thread.id, contents)));
    }
    return { user, chat, threads: await chat.threads.findMany({}), messages };
  }

  it('by every call, whatever it is asked for', async function () {
    this.timeout(600_000);
    const store = await openStore();
    const accounts: Account[] = [];
    for (const name of ['ann', 'ben', 'cleo']) accounts.push(await openAccount(store, name));
    await store.conversations.startThread({ title: 'nobody' });
    const random = seededRandom(seed);
    const pick = <Value>(values: readonly Value[]): Value =>
      values[integerBetween(random, 0, values.length)]!;
    let refused = 0;

    for (let count = soakCount(10_000); count > 0; count -= 1) {
      const me = pick(accounts);
      const other = pick(accounts.filter((account) => account !== me));
      const { conversations, threads, messages, users } = me.chat;
      const thread = pick(other.threads);
      const message = pick(other.messages);
      const text = { role: 'user', content: 'mine' } as const;
      const attempt = pick<() => Promise<readonly unknown[]>>([
        () => threads.findMany({ owner_id: other.user.id }),
        () => messages.findMany({ or: [{ thread_id: thread.id }, { id: message.id }] }),
        async () => [await messages.findById(message.id)],
        async () => [await threads.getById(thread.id)],
        async () => (await conversations.pageMessages(thread.id)).items,
        async () => (await conversations.pageThreads({ userId: other.user.id })).items,
        () => conversations.search('secret', { userId: other.user.id }),
        async () => [await conversations.threadWithMessages(thread.id)],
        async () => [await conversations.appendMessage(thread.id, text)],
        async () => [await conversations.updateMessage(message, { content: 'mine' })],
        async () => ((await conversations.deleteThread(thread.id)) ? ['deleted'] : []),
        async () => [await threads.update(retitleThread(thread, 'mine', { now }))],
        async () => [
          await threads.update({ ...retitleThread(thread, 'mine', { now }), ownerId: me.user.id }),
        ],
        async () => [await threads.upsert({ ...thread, ownerId: me.user.id })],
        async () => [await threads.delete({ ...thread, ownerId: me.user.id })],
        async () => [await messages.delete(message)],
        async () => [await messages.insert(createMessage({ ...text, threadId: thread.id, seq: 9 }, { now }))],
        async () => [await messages.upsert({ ...message, threadId: pick(me.threads).id })],
        async () => [await conversations.startThread({ ownerId: other.user.id })],
        async () => [
          await conversations.importThreads([{ sourceId: 'x', ownerId: other.user.id, messages: [text] }]),
        ],
        async () => [await users.findById(other.user.id)],
        () => users.findMany({ id: other.user.id }),
        async () => [await users.findByEmail(other.user.email)],
        async () => [await users.delete(other.user)],
        async () => [await users.insert(createUser({ email: 'new@example.org' }, { now }))],
        () => me.chat.preferences.findMany({ user_id: other.user.id }),
        async () => [
          await me.chat.oauthIdentities.findByProvider('example', other.user.email.split('@')[0]!),
        ],
        async () => [
          await me.chat.preferences.upsert(
            createPreference({ userId: other.user.id, name: 'theme', value: 1 }, { now }),
          ),
        ],
        () => store.provider.transaction((on) => threads.findMany({ id: thread.id }, { on })),
        () =>
          store.provider.transaction(async (on) => [
            await conversations.appendMessage(thread.id, text, { on }),
          ]),
        async () => [await store.provider.transaction((on) => threads.takePlaces(on, thread.id, 1, now))],
      ]);
      let found: readonly unknown[] = [];
      try {
        found = (await attempt()).filter((value) => value !== undefined);
      } catch (error) {
        expect(error).to.satisfy(
          (thrown: unknown) => thrown instanceof ForbiddenError || thrown instanceof NotFoundError,
          String(error) + String(attempt),
        );
        refused += 1;
      }
      expect(found, String(attempt)).to.deep.equal([]);
    }

    expect(refused).to.be.greaterThan(0);
    for (const { user, chat, threads, messages } of accounts) {
      expect(await store.users.findById(user.id)).to.deep.equal(user);
      expect(await store.threads.findMany({ owner_id: user.id })).to.deep.equal(threads);
      expect(await chat.messages.count({})).to.equal(messages.length);
      for (const message of messages) expect(await store.messages.getById(message.id)).to.deep.equal(message);
      expect(await chat.conversations.search('secret')).to.have.length(2);
    }
  });

  it('and works with it as the store does', async () => {
    const store = await openStore();
    const { user, chat, threads, messages } = await openAccount(store, 'ann');
    await openAccount(store, 'ben');

    expect(await chat.users.getById(user.id)).to.deep.equal(user);
    expect((await chat.conversations.pageThreads()).items).to.have.length(2);
    expect(await chat.conversations.search('ann')).to.have.length(2);
    const changed = await chat.conversations.updateMessage(messages[0]!, { content: 'other words' });
    expect(changed.content).to.equal('other words');
    expect(await chat.conversations.search('words')).to.have.length(1);
    const report = await chat.conversations.importThreads([
      { sourceId: 'one', messages: [{ role: 'user', content: 'Hello.' }] },
    ]);
    expect(report).to.deep.equal({ threads: 1, messages: 1, skipped: 0 });
    const many = Array.from({ length: 1_500 }, () => ({ role: 'user' as const, content: 'a' }));
    await chat.conversations.appendMessages(threads[0]!.id, many);
    expect(await chat.messages.count({ thread_id: threads[0]!.id })).to.equal(1_502);
    expect(await chat.conversations.deleteThread(threads[0]!.id)).to.equal(true);
    expect(await store.threads.count({ owner_id: user.id })).to.equal(2);
    expect(await chat.apiKeys.findMany({})).to.deep.equal([]);
  });

  it('also in a unit of work, where the calls of a user are part of it', async () => {
    const store = await openStore();
    const { chat } = await openAccount(store, 'ann');
    const failure = new Error('undone');
    const run = store.unitOfWork.run(async (unit) => {
      await chat.threads
        .insert((await chat.threads.findMany({}, { on: unit.db }))[0]!, { on: unit.db })
        .catch(() => undefined);
      throw failure;
    });
    expect(await rejectionOf(run)).to.equal(failure);
    const kept = store.unitOfWork.run((unit) =>
      chat.conversations.startThread({ title: 'kept' }, { on: unit.db }),
    );
    expect(await kept).to.have.property('title', 'kept');
    expect(await chat.threads.count({})).to.equal(3);
  });

  it('and nothing where the id is nobody’s, or none', async () => {
    const store = await openStore();
    await openAccount(store, 'ann');
    const nobody = store.scopedTo(newId<User['id']>());
    expect(await nobody.threads.count({})).to.equal(0);
    expect(await nobody.users.count({})).to.equal(0);
    expect(() => store.scopedTo(undefined as never)).to.throw(ValidationError);
    expect(() => store.scopedTo('' as never)).to.throw(ValidationError);
  });
});
