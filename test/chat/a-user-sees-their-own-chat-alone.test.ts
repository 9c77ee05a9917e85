import { expect } from 'chai';
import {
  createOauthIdentity,
  createPreference,
  createUser,
  type ChatStore,
  type ContextThread,
  type Message,
  type ScopedChat,
  type User,
} from '../../src/chat/index.ts';
import { newId } from '../../src/core/domain/index.ts';
import { ValidationError } from '../../src/core/index.ts';
import { ringOf } from '../core/security/ring-of-keys.ts';
import { describeOnEachDatabase } from '../support/database.ts';
import { databaseSeed, sharedCount } from '../support/engines.ts';
import { useChatStores } from '../support/chat-store.ts';
import { rejectionOf } from '../support/rejection.ts';
import { calls } from './chat-border-calls.ts';
import { findLeaks } from './chat-border-fuzz.ts';

const now = 1_700_000_000_000;
const seed = 6;

interface Account {
  readonly user: User;
  readonly chat: ScopedChat;
  threads: ContextThread[];
  messages: Message[];
}

/** A user's chat, one door of which leads to everybody's. */
function withOpenDoor(store: ChatStore, chat: ScopedChat, door: string): ScopedChat {
  const [name, method] = door.split('.') as [keyof ScopedChat, string];
  const inner = store[name];
  const open = (Reflect.get(inner, method) as (...args: unknown[]) => unknown).bind(inner);
  return { ...chat, [name]: { ...chat[name], [method]: open } };
}

describeOnEachDatabase('a user sees their own chat alone', (database) => {
  const openStore = useChatStores(database, { encryption: ringOf('one') });

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
    this.timeout(900_000);
    const store = await openStore();
    const leaks = await findLeaks(store, {
      doors: Object.keys(calls),
      count: sharedCount(10_000),
      seed: databaseSeed(seed, database.name),
      chatOf: (user) => store.scopedTo(user),
    });
    expect(leaks).to.deep.equal([]);
  });

  it('and each door has its call, so that a new one cannot be forgotten', async () => {
    const store = await openStore();
    const doors = Object.entries(store.scopedTo(newId<User['id']>())).flatMap(([name, door]) =>
      Object.keys(door).map((method) => `${name}.${method}`),
    );
    expect(doors.sort()).to.deep.equal(Object.keys(calls).sort());
  });

  it('and each call notices where its door is open', async function () {
    this.timeout(300_000);
    const store = await openStore();
    const unnoticed: string[] = [];
    // It makes an entity of a row that the caller has already.
    for (const door of Object.keys(calls).filter((name) => !name.endsWith('.toEntity'))) {
      const chatOf = (user: User['id']) => withOpenDoor(store, store.scopedTo(user), door);
      const leaks = await findLeaks(store, { doors: [door], count: 100, seed, chatOf, untilLeak: true });
      if (leaks.length === 0) unnoticed.push(door);
    }
    expect(unnoticed).to.deep.equal([]);
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
