import { expect } from 'chai';
import { OutsideTransactionError, UniqueViolationError, ValidationError } from '../../src/core/index.ts';
import {
  createUser,
  type ChatStore,
  type ChatUnit,
  type ImportedThread,
  type Message,
  type ThreadId,
} from '../../src/chat/index.ts';
import { useChatStores } from '../support/chat-store.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../support/database.ts';
import { rejectionOf } from '../support/rejection.ts';
import { until } from '../support/until.ts';

interface Scene {
  readonly threadId: ThreadId;
  readonly message: Message;
}

const said = (content: string) => ({ role: 'user', content }) as const;
const signIn = { provider: 'google', providerUserId: '1042', email: 'ada@example.org' };
const imported = (sourceId: string): ImportedThread => ({ sourceId, messages: [said(sourceId)] });

/** Every call of both services that writes, and what the unit sees of it. */
const writes: Readonly<Record<string, (unit: ChatUnit, scene: Scene) => Promise<void>>> = {
  async findOrCreateByOAuth({ accounts, repositories: { users } }) {
    const { id } = await accounts.findOrCreateByOAuth(signIn);
    expect(await accounts.findOrCreateByOAuth(signIn)).to.include({ id });
    expect(await users.count({})).to.equal(1);
  },
  async startThread({ conversations, repositories: { threads } }) {
    const { id } = await conversations.startThread({ title: 'new' });
    expect((await threads.getById(id)).title).to.equal('new');
  },
  async appendMessage({ conversations, repositories: { messages } }, { threadId }) {
    const { id, seq } = await conversations.appendMessage(threadId, said('new'));
    expect(seq).to.equal(2);
    expect((await messages.getById(id)).content).to.equal('new');
  },
  async appendMessages({ conversations, repositories: { messages } }, { threadId }) {
    await conversations.appendMessages(threadId, [said('new'), said('newer')]);
    expect(await messages.count({ thread_id: threadId })).to.equal(3);
  },
  async updateMessage({ conversations, repositories: { messages } }, { message }) {
    await conversations.updateMessage(message, { content: 'changed' });
    expect((await messages.getById(message.id)).content).to.equal('changed');
  },
  async deleteThread({ conversations, repositories: { threads } }, { threadId }) {
    expect(await conversations.deleteThread(threadId)).to.equal(true);
    expect(await threads.findById(threadId)).to.equal(undefined);
  },
  async importThreads({ conversations, repositories: { threads } }) {
    const many = Array.from({ length: 60 }, (_, index) => imported(`source ${index}`));
    expect(await conversations.importThreads(many)).to.include({ threads: 60 });
    expect(await threads.count({})).to.equal(61);
  },
};

/** Every call that reads, and what it finds. */
const reads: Readonly<Record<string, (unit: ChatUnit, scene: Scene) => Promise<unknown>>> = {
  threadWithMessages: async ({ conversations }, { threadId }) =>
    (await conversations.threadWithMessages(threadId)).messages.map(({ content }) => content),
  pageMessages: async ({ conversations }, { threadId }) =>
    (await conversations.pageMessages(threadId)).items.map(({ content }) => content),
  pageThreads: async ({ conversations }) =>
    (await conversations.pageThreads()).items.map(({ title }) => title),
  search: async ({ conversations }) =>
    (await conversations.search('unseen')).map(({ message }) => message.content),
};

describeOnEachDatabase('a unit of work takes with it', (database) => {
  const open = useChatStores(database);
  let store: ChatStore;
  let scene: Scene;

  beforeEach(async () => {
    // One connection: a call that forgets the unit waits for it in vain.
    store = await open({ pool: { max: 1, acquireTimeout: 500 } });
    const { id: threadId } = await store.conversations.startThread({ title: 'old' });
    scene = { threadId, message: await store.conversations.appendMessage(threadId, said('old')) };
  });

  async function readEverything(): Promise<unknown[]> {
    const { provider } = store;
    return Promise.all([
      provider.query('select * from users order by id'),
      provider.query('select * from oauth_identities order by id'),
      provider.query('select * from context_threads order by id'),
      provider.query('select * from messages order by id'),
      provider.query('select message_id, tokens, token_count from message_search order by message_id'),
    ]);
  }

  for (const [method, write] of Object.entries(writes)) {
    it(`whatever ${method} did, into its commit and into its rollback`, async () => {
      const before = await readEverything();
      const end = new Error('rolled back');
      const outcome = store.unitOfWork.run(async (unit) => {
        await write(unit, scene);
        throw end;
      });
      expect(await rejectionOf(outcome)).to.equal(end);
      expect(await readEverything()).to.deep.equal(before);
      await store.unitOfWork.run((unit) => write(unit, scene));
      expect(await readEverything()).not.to.deep.equal(before);
    });
  }

  for (const [method, read] of Object.entries(reads)) {
    it(`${method}, which sees what it has written`, async () => {
      const found = await store.unitOfWork.run(async (unit) => {
        await unit.conversations.startThread({ title: 'unseen' });
        await unit.conversations.appendMessage(scene.threadId, said('unseen'));
        return read(unit, scene);
      });
      expect(found).to.include('unseen');
    });
  }

  it('a call that fails, which alone is undone', async () => {
    const { threadId, message } = scene;
    await store.unitOfWork.run(async ({ conversations }) => {
      await conversations.appendMessage(threadId, said('first'));
      const taken = conversations.appendMessages(threadId, [
        said('never'),
        { ...said('taken'), id: message.id },
      ]);
      expect(await rejectionOf(taken)).to.be.instanceOf(UniqueViolationError);
      await conversations.appendMessage(threadId, said('second'));
    });
    const { messages } = await store.conversations.threadWithMessages(threadId);
    expect(messages.map(({ seq, content }) => `${seq} ${content}`)).to.deep.equal([
      '1 old',
      '2 first',
      '3 second',
    ]);
  });

  it('no call of the store around it, which is refused at once', async () => {
    const { unitOfWork, conversations, accounts, threads } = store;
    await unitOfWork.run(async () => {
      for (const use of [
        () => conversations.appendMessage(scene.threadId, said('outside')),
        () => accounts.findOrCreateByOAuth(signIn),
        () => threads.getById(scene.threadId),
      ])
        expect(await rejectionOf(use())).to.be.instanceOf(OutsideTransactionError);
    });
  });

  it('an import whole, and refuses to take the rest of what was read before for all there is', async () => {
    const threads = (function* () {
      for (let index = 0; index < 60; index += 1) yield imported(`source ${index}`);
    })();
    const outcome = store.unitOfWork.run(async ({ conversations }) => {
      await conversations.importThreads(threads);
      throw new Error('rolled back');
    });
    await rejectionOf(outcome);
    expect(await store.threads.count({})).to.equal(1);
    const again = store.unitOfWork.run(({ conversations }) => conversations.importThreads(threads));
    expect(await rejectionOf(again)).to.be.instanceOf(ValidationError);
  });
});

describeOnDatabase('postgres', 'units of work at once', (database) => {
  const open = useChatStores(database);

  it('that append to one thread run again until every message has its place', async () => {
    const store = await open();
    const { id } = await store.conversations.startThread();
    let runs = 0;
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        store.unitOfWork.run(
          async ({ conversations }) => {
            runs += 1;
            const { messages } = await conversations.threadWithMessages(id);
            await conversations.appendMessage(id, said(`message ${index}, behind ${messages.length}`));
          },
          { retry: { attempts: 30 } },
        ),
      ),
    );
    const { messages } = await store.conversations.threadWithMessages(id);
    expect(messages.map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    for (const { seq, content } of messages) expect(content).to.match(new RegExp(`behind ${seq - 1}$`));
    expect(runs).to.be.greaterThan(6);
  });

  for (const [isolation, expectedRuns] of [
    ['read committed', 1],
    ['repeatable read', 2],
    ['serializable', 2],
  ] as const) {
    it(`that sign the same account in end at one user, at ${isolation}`, async () => {
      const store = await open();
      await using first = await store.unitOfWork.begin();
      const user = await first.repositories.users.insert(
        createUser({ email: signIn.email, emailVerified: true }, { now: 1 }),
      );
      let runs = 0;
      const second = store.unitOfWork.run(
        async ({ accounts, conversations }) => {
          runs += 1;
          const { id } = await accounts.findOrCreateByOAuth({ ...signIn, emailVerified: true });
          await conversations.startThread({ ownerId: id, title: 'Lunch' });
          return id;
        },
        { isolation },
      );
      await until(async () => {
        const waiting = await store.provider.query(
          "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        return waiting.length > 0;
      });
      await first.commit();
      expect(await second).to.equal(user.id);
      expect(runs).to.equal(expectedRuns);
      expect([await store.users.count({}), await store.threads.count({})]).to.deep.equal([1, 1]);
    });
  }
});
