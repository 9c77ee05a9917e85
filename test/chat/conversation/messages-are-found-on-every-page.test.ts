import { expect } from 'chai';
import {
  NotFoundError,
  StaleEntityError,
  UnreadableRowError,
  ValidationError,
  type Cursor,
} from '../../../src/core/index.ts';
import { newId } from '../../../src/core/domain/index.ts';
import { withContent, type ChatStore, type ThreadId } from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

const start = 1_747_000_000_000;

async function importOne(store: ChatStore, count: number): Promise<ThreadId> {
  const messages = Array.from({ length: count }, (_, index) => ({
    role: 'user' as const,
    content: `message ${index + 1}`,
    createdAt: start + index * 1_000,
  }));
  await store.conversations.importThreads([{ sourceId: 'one', createdAt: start, messages }]);
  const thread = await store.threads.findFirst({ source_id: 'one' });
  return thread!.id;
}

describeOnEachDatabase('the messages of a thread', (database) => {
  const open = useChatStores(database);

  it('come as the latest ones, oldest first, with a cursor to the older ones', async () => {
    const store = await open();
    const id = await importOne(store, 125);
    const latest = await store.conversations.threadWithMessages(id, { limit: 50 });
    expect(latest.messages.map(({ seq }) => seq)).to.deep.equal(
      Array.from({ length: 50 }, (_, index) => 76 + index),
    );

    const seen: number[] = [];
    let after: Cursor | undefined = latest.olderCursor;
    while (after !== undefined) {
      const page = await store.conversations.pageMessages(id, { limit: 50, after });
      seen.push(...page.items.map(({ seq }) => seq));
      after = page.nextCursor;
    }
    expect(seen).to.deep.equal(Array.from({ length: 75 }, (_, index) => 75 - index));
  });

  it('stay readable where one was deleted', async () => {
    const store = await open();
    const id = await importOne(store, 3);
    const second = await store.messages.findFirst({ thread_id: id, seq: 2 });
    await store.messages.delete(second!);
    const { messages } = await store.conversations.threadWithMessages(id);
    expect(messages.map(({ seq }) => seq)).to.deep.equal([1, 3]);
  });

  it('come back page by page on the way to the newer ones', async () => {
    const store = await open();
    const id = await importOne(store, 12);
    const first = await store.conversations.pageMessages(id, { limit: 5 });
    const second = await store.conversations.pageMessages(id, { limit: 5, after: first.nextCursor });
    const back = await store.conversations.pageMessages(id, { limit: 5, before: second.previousCursor });
    expect(back.items).to.deep.equal(first.items);
    expect(back.previousCursor).to.equal(undefined);
  });

  it('come by a range of times, its beginning included and its end not', async () => {
    const store = await open();
    const id = await importOne(store, 20);
    const range = { from: start + 5_000, to: start + 15_000, limit: 4 };
    const first = await store.conversations.pageMessages(id, range);
    const second = await store.conversations.pageMessages(id, { ...range, after: first.nextCursor });
    const third = await store.conversations.pageMessages(id, { ...range, after: second.nextCursor });
    const seqs = [first, second, third].flatMap(({ items }) => items.map(({ seq }) => seq));
    expect(seqs).to.deep.equal([15, 14, 13, 12, 11, 10, 9, 8, 7, 6]);
    expect(third.nextCursor).to.equal(undefined);
  });

  it('of a thread that is not there are none, and the thread is NotFoundError', async () => {
    const { conversations } = await open();
    const nowhere = newId<ThreadId>();
    expect((await conversations.pageMessages(nowhere)).items).to.deep.equal([]);
    expect(await rejectionOf(conversations.threadWithMessages(nowhere))).to.be.instanceOf(NotFoundError);
  });

  it('refuse a limit or a cursor that is none', async () => {
    const store = await open();
    const id = await importOne(store, 1);
    for (const options of [{ limit: -1 }, { limit: 1.5 }, { limit: 1_001 }, { after: 'forged' as Cursor }]) {
      expect(await rejectionOf(store.conversations.pageMessages(id, options))).to.be.instanceOf(
        ValidationError,
      );
    }
    expect((await store.conversations.pageMessages(id, { limit: 0 })).items).to.deep.equal([]);
  });

  it('and threads are not asked for by an id that is none, on either engine', async () => {
    const { conversations } = await open();
    const noId = 'no-uuid' as never;
    const calls: (() => Promise<unknown>)[] = [
      () => conversations.pageMessages(noId),
      () => conversations.threadWithMessages(noId),
      () => conversations.deleteThread(noId),
      () => conversations.pageThreads({ userId: noId }),
      () => conversations.search('x', { userId: noId }),
      () => conversations.appendMessage(noId, { role: 'user', content: 'x' }),
      () => conversations.startThread({ ownerId: noId }),
    ];
    for (const call of calls) {
      expect(await rejectionOf(Promise.resolve().then(call)), call.toString()).to.be.instanceOf(
        ValidationError,
      );
    }
  });

  it('change at the version that was read, and the search follows', async () => {
    const store = await open();
    const { conversations } = store;
    const thread = await conversations.startThread();
    const draft = await conversations.appendMessage(thread.id, {
      role: 'assistant',
      content: '',
      status: 'pending',
    });
    const streaming = await conversations.updateMessage(draft, { content: 'a zebra', status: 'streaming' });
    expect(streaming).to.include({ version: 2, status: 'streaming', content: 'a zebra', seq: 1 });
    expect(await conversations.search('zebra')).to.have.length(1);

    const error = await rejectionOf(conversations.updateMessage(draft, { content: 'a giraffe' }));
    expect(error).to.be.instanceOf(StaleEntityError).and.include({ expectedVersion: 1, actualVersion: 2 });
    expect(await conversations.search('giraffe')).to.deep.equal([]);

    const metadata = { model: 'm-1', usage: { totalTokens: 7 } };
    const done = await conversations.updateMessage(streaming, {
      content: 'a giraffe',
      status: 'complete',
      metadata,
    });
    expect(done).to.deep.include({ version: 3, status: 'complete', metadata });
    expect(await conversations.search('zebra')).to.deep.equal([]);
    expect(await conversations.search('giraffe')).to.have.length(1);
    expect(await store.messages.count({ metadata: { path: ['usage', 'totalTokens'], gt: 6 } })).to.equal(1);

    expect(await rejectionOf(conversations.updateMessage(done, { status: 'pending' }))).to.be.instanceOf(
      ValidationError,
    );
  });

  it('are found by what is stored, also where the caller changed a copy by hand', async () => {
    const { conversations } = await open();
    const thread = await conversations.startThread();
    const message = await conversations.appendMessage(thread.id, { role: 'user', content: 'alpha' });
    await conversations.updateMessage(withContent(message, 'omega'), {});
    expect(await conversations.search('alpha')).to.deep.equal([]);
    expect(await conversations.search('omega')).to.have.length(1);
  });

  it('lose their metadata by null, and keep it where nothing is said', async () => {
    const { conversations } = await open();
    const thread = await conversations.startThread();
    const metadata = { model: 'm' };
    const message = await conversations.appendMessage(thread.id, { role: 'user', content: 'x', metadata });
    const kept = await conversations.updateMessage(message, { content: 'y' });
    expect(kept.metadata).to.deep.equal(metadata);
    expect((await conversations.updateMessage(kept, { metadata: null })).metadata).to.equal(undefined);
  });

  it('that cannot be read are UnreadableRowError on a page and in the search alike', async () => {
    const { conversations, provider } = await open();
    const thread = await conversations.startThread();
    const { id } = await conversations.appendMessage(thread.id, { role: 'user', content: 'broken' });
    await provider.exec('update messages set metadata = ?', ['[1]']);
    for (const read of [() => conversations.pageMessages(thread.id), () => conversations.search('broken')]) {
      const error = (await rejectionOf(Promise.resolve(read()))) as UnreadableRowError;
      expect(error).to.be.instanceOf(UnreadableRowError);
      expect(error).to.deep.include({ table: 'messages', column: 'metadata', key: { id } });
    }
  });

  it('go with their thread, in the search as well', async () => {
    const store = await open();
    const id = await importOne(store, 3);
    expect(await store.conversations.deleteThread(id)).to.equal(true);
    expect(await store.conversations.deleteThread(id)).to.equal(false);
    expect(await store.messages.count({})).to.equal(0);
    expect(await store.conversations.search('message')).to.deep.equal([]);
    expect(await store.provider.query('select * from message_search')).to.deep.equal([]);
  });
});

describeOnEachDatabase('threads', (database) => {
  const open = useChatStores(database);

  it('of everybody are not shown to somebody who is nobody: an undefined user is refused', async () => {
    const { conversations } = await open();
    const nobody = { userId: undefined } as never;
    expect(await rejectionOf(conversations.pageThreads(nobody))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(conversations.search('x', nobody))).to.be.instanceOf(ValidationError);
  });

  it('come with the one that was appended to last first, by owner or all', async () => {
    const { conversations, accounts } = await open();
    const sign = { provider: 'google', displayName: 'S' };
    const one = await accounts.findOrCreateByOAuth({
      ...sign,
      providerUserId: '1',
      email: 'one@example.org',
    });
    const two = await accounts.findOrCreateByOAuth({
      ...sign,
      providerUserId: '2',
      email: 'two@example.org',
    });
    await conversations.importThreads(
      Array.from({ length: 25 }, (_, index) => ({
        sourceId: `s${index}`,
        title: `t${index}`,
        ownerId: index % 2 === 0 ? one.id : two.id,
        createdAt: start + index,
        messages: [],
      })),
    );
    const ofOne: (string | undefined)[] = [];
    let after: Cursor | undefined;
    do {
      const page = await conversations.pageThreads({ userId: one.id, limit: 5, after });
      ofOne.push(...page.items.map(({ title }) => title));
      after = page.nextCursor;
    } while (after !== undefined);
    expect(ofOne).to.deep.equal(Array.from({ length: 13 }, (_, index) => `t${24 - index * 2}`));

    const all = await conversations.pageThreads({ limit: 1_000 });
    expect(all.items).to.have.length(25);
    const oldest = all.items.at(-1)!;
    await conversations.appendMessage(oldest.id, { role: 'user', content: 'again' });
    const [newest] = (await conversations.pageThreads({ limit: 1 })).items;
    expect(newest?.id).to.equal(oldest.id);
  });
});
