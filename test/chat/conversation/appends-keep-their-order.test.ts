import { expect } from 'chai';
import { NotFoundError, ValidationError } from '../../../src/core/index.ts';
import { newId } from '../../../src/core/domain/index.ts';
import type { ThreadId } from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

describeOnEachDatabase('appends to a thread', (database) => {
  const open = useChatStores(database);

  it('by 200 at once lose nothing and leave no gap', async () => {
    const { conversations, messages, threads } = await open();
    const thread = await conversations.startThread();
    const contents = Array.from({ length: 200 }, (_, index) => `message ${index}`);
    const appended = await Promise.all(
      contents.map((content) => conversations.appendMessage(thread.id, { role: 'user', content })),
    );
    const stored = await messages.findMany({ thread_id: thread.id }, { orderBy: 'seq' });
    expect(stored.map(({ seq }) => seq)).to.deep.equal(contents.map((_, index) => index + 1));
    expect(stored.map(({ content }) => content).sort()).to.deep.equal([...contents].sort());
    expect(new Map(appended.map(({ id, seq }) => [id, seq]))).to.deep.equal(
      new Map(stored.map(({ id, seq }) => [id, seq])),
    );
    expect(await threads.getById(thread.id)).to.include({ nextSeq: 201, version: 1 });
  });

  it('of several messages keep them together', async () => {
    const { conversations, messages } = await open();
    const thread = await conversations.startThread();
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) =>
        conversations.appendMessages(
          thread.id,
          Array.from({ length: 5 }, (_, index) => ({ role: 'user', content: `${name}${index}` })),
        ),
      ),
    );
    const stored = await messages.findMany({ thread_id: thread.id }, { orderBy: 'seq' });
    const runs = Array.from({ length: 4 }, (_, index) => stored.slice(index * 5, index * 5 + 5));
    for (const run of runs) {
      const name = run[0]!.content[0]!;
      expect(run.map(({ content }) => content)).to.deep.equal(
        [0, 1, 2, 3, 4].map((index) => `${name}${index}`),
      );
    }
  });

  it('move its time and not its version, so that who renames it meanwhile is not turned away', async () => {
    const { conversations, threads } = await open();
    const { retitleThread } = await import('../../../src/chat/index.ts');
    const thread = await conversations.startThread({ title: 'old' });
    await conversations.appendMessage(thread.id, { role: 'user', content: 'between' });
    const renamed = await threads.update(retitleThread(thread, 'new', { now: Date.now() }));
    expect(renamed).to.include({ title: 'new', version: 2, nextSeq: 2 });
    const next = await conversations.appendMessage(thread.id, { role: 'user', content: 'after' });
    expect(next.seq).to.equal(2);
  });

  it('move its time on, and who renames it by an older clock does not move it back', async () => {
    const { conversations, threads } = await open();
    const thread = await conversations.startThread({ title: 'old' });
    await conversations.appendMessage(thread.id, { role: 'user', content: 'between' });
    const { updatedAt } = await threads.getById(thread.id);
    const renamed = await threads.update({ ...thread, updatedAt: 5 });
    expect(renamed.updatedAt).to.equal(updatedAt);
  });

  it('are all or none also where somebody hands in the root handle for a transaction', async () => {
    const { conversations, provider, threads, messages } = await open();
    const thread = await conversations.startThread();
    await provider.exec('drop table message_search');
    const on = provider.db as never;
    await rejectionOf(conversations.appendMessage(thread.id, { role: 'user', content: 'x' }, { on }));
    expect((await threads.getById(thread.id)).nextSeq).to.equal(1);
    expect(await messages.count({})).to.equal(0);
  });

  it('find their thread by its id in any case', async () => {
    const { conversations } = await open();
    const thread = await conversations.startThread();
    const shouted = thread.id.toUpperCase() as ThreadId;
    const message = await conversations.appendMessage(shouted, { role: 'user', content: 'x' });
    expect(message.threadId).to.equal(thread.id);
  });

  it('that fail take no place', async () => {
    const { conversations, provider } = await open();
    const thread = await conversations.startThread();
    await rejectionOf(conversations.appendMessage(thread.id, { role: 'user', content: '' }));
    await rejectionOf(
      provider.transaction(async (on) => {
        await conversations.appendMessage(thread.id, { role: 'user', content: 'undone' }, { on });
        throw new Error('undone');
      }),
    );
    const message = await conversations.appendMessage(thread.id, { role: 'user', content: 'first' });
    expect(message.seq).to.equal(1);
    expect(await conversations.search('undone')).to.deep.equal([]);
  });

  it('that name no thread, or break a rule, say so', async () => {
    const { conversations } = await open();
    const nowhere = newId<ThreadId>();
    expect(
      await rejectionOf(conversations.appendMessage(nowhere, { role: 'user', content: 'x' })),
    ).to.be.instanceOf(NotFoundError);
    const thread = await conversations.startThread();
    const error = await rejectionOf(
      conversations.appendMessage(thread.id, { role: 'robot' as never, content: '', status: 'complete' }),
    );
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues.map(({ path }) => path[0])).to.have.members(['role', 'content']);
  });
});
