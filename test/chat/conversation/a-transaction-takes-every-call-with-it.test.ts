import { expect } from 'chai';
import type { Transaction } from 'kysely';
import type { ChatDatabase, ChatStore, Message, ThreadId } from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

interface Scene {
  readonly store: ChatStore;
  readonly threadId: ThreadId;
  readonly message: Message;
  readonly on: Transaction<ChatDatabase>;
}

const user = (content: string) => ({ role: 'user', content }) as const;

/** What each call that writes is to have done, as the transaction itself sees it. */
const writes: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async startThread({ store: { conversations, threads }, on }) {
    const { id } = await conversations.startThread({ title: 'new' }, { on });
    expect((await threads.getById(id, { on })).title).to.equal('new');
  },
  async appendMessage({ store: { conversations, messages }, threadId, on }) {
    const { id, seq } = await conversations.appendMessage(threadId, user('new'), { on });
    expect(seq).to.equal(2);
    expect((await messages.getById(id, { on })).content).to.equal('new');
  },
  async appendMessages({ store: { conversations, messages }, threadId, on }) {
    await conversations.appendMessages(threadId, [user('new'), user('newer')], { on });
    expect(await messages.count({ thread_id: threadId }, { on })).to.equal(3);
  },
  async updateMessage({ store: { conversations, messages }, message, on }) {
    await conversations.updateMessage(message, { content: 'changed' }, { on });
    expect((await messages.getById(message.id, { on })).content).to.equal('changed');
  },
  async deleteThread({ store: { conversations, threads }, threadId, on }) {
    expect(await conversations.deleteThread(threadId, { on })).to.equal(true);
    expect(await threads.findById(threadId, { on })).to.equal(undefined);
  },
};

/** What each call that reads finds of what the transaction has written and nobody else can see. */
const reads: Readonly<Record<string, (scene: Scene) => Promise<readonly Message[]>>> = {
  threadWithMessages: async ({ store: { conversations }, threadId, on }) =>
    (await conversations.threadWithMessages(threadId, { on })).messages,
  pageMessages: async ({ store: { conversations }, threadId, on }) =>
    (await conversations.pageMessages(threadId, { on })).items,
  search: async ({ store: { conversations }, on }) =>
    (await conversations.search('unseen', { on })).map(({ message }) => message),
};

describeOnEachDatabase('a transaction takes with it', (database) => {
  const open = useChatStores(database);
  let store: ChatStore;
  let threadId: ThreadId;
  let message: Message;

  beforeEach(async () => {
    // One connection: a call that forgets the transaction waits for it in vain.
    store = await open({ pool: { max: 1, acquireTimeout: 500 } });
    const thread = await store.conversations.startThread({ title: 'old' });
    threadId = thread.id;
    message = await store.conversations.appendMessage(threadId, user('old'));
  });

  async function readEverything(): Promise<unknown[]> {
    const { provider } = store;
    return Promise.all([
      provider.query('select * from context_threads order by id'),
      provider.query('select * from messages order by id'),
      provider.query('select message_id, tokens, token_count from message_search order by message_id'),
    ]);
  }

  /** Works in a transaction that is then rolled back. */
  async function rollBack(work: (scene: Scene) => Promise<unknown>): Promise<void> {
    const end = new Error('rolled back');
    const error = await rejectionOf(
      store.provider.transaction(async (on) => {
        await work({ store, threadId, message, on });
        throw end;
      }),
    );
    expect(error).to.equal(end);
  }

  for (const [method, write] of Object.entries(writes)) {
    it(`whatever ${method} did, when it is rolled back`, async () => {
      const before = await readEverything();
      await rollBack(write);
      expect(await readEverything()).to.deep.equal(before);
    });
  }

  for (const [method, read] of Object.entries(reads)) {
    it(`${method}, which sees what it has written`, async () => {
      await rollBack(async (scene) => {
        await scene.store.conversations.appendMessage(threadId, user('unseen'), { on: scene.on });
        expect((await read(scene)).map(({ content }) => content)).to.include('unseen');
      });
    });
  }

  it('pageThreads, which sees what it has written', async () => {
    await rollBack(async ({ on }) => {
      const { id } = await store.conversations.startThread({}, { on });
      const { items } = await store.conversations.pageThreads({ on });
      expect(items.map((thread) => thread.id)).to.include(id);
    });
  });
});
