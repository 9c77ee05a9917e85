import { expect } from 'chai';
import {
  IdempotencyMismatchError,
  NotFoundError,
  SagaFailedError,
  SagaInterruptedError,
  SagaStepTimeoutError,
  StaleEntityError,
  ValidationError,
} from '../../../src/core/index.ts';
import {
  openChatStore,
  type ChatStore,
  type Message,
  type ReplyOptions,
  type ReplyProgress,
  type ThreadId,
} from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { feedModel, sayAll } from './models.ts';

const question = { content: 'Where shall we go?' };

describeOnEachDatabase('a reply', (database) => {
  const openStore = useChatStores(database);
  let store: ChatStore;
  let threadId: ThreadId;

  beforeEach(async () => {
    store = await openStore();
    ({ id: threadId } = await store.conversations.startThread({ title: 'Lunch' }));
  });

  const open = (options: ReplyOptions) => store.replies({ writeInterval: 1, ...options });

  async function contents(): Promise<[string, string, string][]> {
    const { messages } = await store.conversations.threadWithMessages(threadId, { limit: 100 });
    return messages.map(({ role, content, status }) => [role, content, status]);
  }

  it('is stored with its question, and complete', async () => {
    const answer = await open({ model: sayAll('To the ', 'café.') }).reply(threadId, question);
    expect(answer).to.include({ role: 'assistant', content: 'To the café.', status: 'complete', seq: 2 });
    expect(await contents()).to.deep.equal([
      ['user', question.content, 'complete'],
      ['assistant', 'To the café.', 'complete'],
    ]);
    expect((await store.conversations.search('cafe')).map(({ message: { id } }) => id)).to.deep.equal([
      answer.id,
    ]);
  });

  for (const [form, model] of [
    ['a text', () => 'Yes.'],
    ['a promise of a text', async () => 'Yes.'],
    ['a promise of a stream', async () => sayAll('Y', 'es.')({} as never) as AsyncIterable<string>],
  ] as const) {
    it(`comes from a model that gives ${form}`, async () => {
      expect(await open({ model }).reply(threadId, question)).to.include({
        content: 'Yes.',
        status: 'complete',
      });
    });
  }

  it('tells the model what was said before, and no answer that others are still writing', async () => {
    const { conversations } = store;
    await conversations.appendMessages(threadId, [
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'half', status: 'interrupted' },
      { role: 'assistant', content: 'wrong', status: 'error' },
      { role: 'assistant', content: '', status: 'pending' },
    ]);
    const fed = feedModel();
    const reply = open({ model: fed.model, historyLimit: 2 }).reply(threadId, {
      ...question,
      options: { name: 'm' },
    });
    await fed.asked();
    const [request] = fed.requests;
    expect(request?.messages.map(({ content }) => content)).to.deep.equal(['half', question.content]);
    expect(request).to.deep.include({ threadId, options: { name: 'm' }, attempt: 1 });
    fed.say('Yes.');
    fed.end();
    expect((await reply).id).to.equal(request?.answerId);
  });

  it('grows in the store, holds no connection while the model thinks, and tells who waits', async () => {
    const fed = feedModel();
    const told: ReplyProgress[] = [];
    const reply = open({ model: fed.model }).reply(threadId, question, {
      onProgress: (progress) => {
        told.push(progress);
        throw new Error('a listener that fails ends no reply');
      },
    });
    await fed.asked();
    expect((await contents())[1]).to.deep.equal(['assistant', '', 'streaming']);
    fed.say('To ');
    await until(async () => (await contents())[1]?.[1] === 'To ');
    expect(store.provider.stats().busy).to.equal(0);
    await store.conversations.startThread({ title: 'Others write meanwhile' });
    fed.say('town.');
    fed.end();
    const { id: answerId } = await reply;
    expect(told).to.deep.equal([
      { answerId, chunk: 'To ', text: 'To ' },
      { answerId, chunk: 'town.', text: 'To town.' },
    ]);
  });

  it('beside others: each question stands before its answer', async () => {
    const replies = open({ model: ({ messages }) => `re: ${messages.at(-1)?.content}` });
    const asked = ['a', 'b', 'c', 'd'];
    await Promise.all(asked.map((content) => replies.reply(threadId, { content })));
    const stored = await contents();
    expect(stored).to.have.lengthOf(8);
    for (let index = 0; index < 8; index += 2) {
      expect(stored[index + 1]).to.deep.equal(['assistant', `re: ${stored[index]?.[1]}`, 'complete']);
    }
  });

  it('whose model fails keeps what had come, marked as an error, and says why', async () => {
    const failure = new Error('the model is tired');
    const fed = feedModel();
    const reply = rejectionOf(open({ model: fed.model }).reply(threadId, question));
    await fed.asked();
    fed.say('To the');
    fed.fail(failure);
    const error = (await reply) as SagaFailedError;
    expect(error).to.be.instanceOf(SagaFailedError).with.property('step', 'answer');
    expect((error.cause as Error).message).to.equal(failure.message);
    expect((await contents())[1]).to.deep.equal(['assistant', 'To the', 'error']);
  });

  it('is asked for again where that is wanted, from its beginning', async () => {
    const fed = feedModel();
    const reply = open({ model: fed.model, attempts: 2 }).reply(threadId, question);
    await fed.asked();
    fed.say('To the');
    fed.fail(new Error('the model is tired'));
    await fed.asked(2);
    fed.say('Home.');
    fed.end();
    expect(await reply).to.include({ content: 'Home.', status: 'complete' });
    const [first, second] = fed.requests;
    expect([first?.attempt, second?.attempt]).to.deep.equal([1, 2]);
    expect(second?.idempotencyKey).to.equal(first?.idempotencyKey);
  });

  it('whose model hangs ends at its time', async () => {
    const fed = feedModel();
    const error = await rejectionOf(open({ model: fed.model, timeout: 50 }).reply(threadId, question));
    expect((error as Error).cause).to.be.instanceOf(SagaStepTimeoutError);
    expect(fed.requests[0]?.signal.aborted).to.equal(true);
    expect((await contents())[1]?.[2]).to.equal('error');
  });

  it('that is stopped keeps what had come, marked as interrupted', async () => {
    const fed = feedModel();
    const stop = new AbortController();
    const reply = rejectionOf(open({ model: fed.model }).reply(threadId, question, { signal: stop.signal }));
    await fed.asked();
    fed.say('To the');
    await until(async () => (await contents())[1]?.[1] === 'To the');
    stop.abort(new RangeError('enough'));
    expect(await reply).to.be.instanceOf(RangeError);
    expect((await contents())[1]).to.deep.equal(['assistant', 'To the', 'interrupted']);
  });

  it('that was stopped before it began stores nothing', async () => {
    const signal = AbortSignal.abort(new RangeError('enough'));
    const replies = open({ model: sayAll('no') });
    expect(await rejectionOf(replies.reply(threadId, question, { signal }))).to.be.instanceOf(RangeError);
    expect(await contents()).to.deep.equal([]);
  });

  for (const [deed, change, cause] of [
    [
      'edits',
      ({ conversations }, answer) => conversations.updateMessage(answer, { content: 'Mine.' }),
      StaleEntityError,
    ],
    ['deletes', ({ messages }, answer) => messages.delete(answer), NotFoundError],
  ] as readonly [
    string,
    (store: ChatStore, answer: Message) => Promise<unknown>,
    new (...args: never[]) => Error,
  ][]) {
    it(`ends where somebody ${deed} the answer, and overwrites nothing`, async () => {
      const fed = feedModel();
      const reply = rejectionOf(open({ model: fed.model }).reply(threadId, question));
      await fed.asked();
      const { answerId } = fed.requests[0] as { answerId: Message['id'] };
      await change(store, await store.messages.getById(answerId));
      fed.say('To the');
      fed.end();
      expect(((await reply) as Error).cause).to.be.instanceOf(cause);
      const left = await store.messages.findById(answerId);
      expect(left?.content).to.equal(deed === 'edits' ? 'Mine.' : undefined);
      expect(left?.status).to.equal(deed === 'edits' ? 'interrupted' : undefined);
    });
  }

  it('with one key is one reply, and another question with it is refused', async () => {
    let asked = 0;
    const replies = open({ model: () => `answer ${(asked += 1)}` });
    const key = { idempotencyKey: 'request-1' };
    const answers = await Promise.all([1, 2, 3].map(() => replies.reply(threadId, question, key)));
    expect(new Set(answers.map(({ id }) => id)).size).to.equal(1);
    expect(asked).to.equal(1);
    expect(await contents()).to.have.lengthOf(2);
    const other = replies.reply(threadId, { content: 'And then?' }, key);
    expect(await rejectionOf(other)).to.be.instanceOf(IdempotencyMismatchError);
  });

  it('that others wait for by its key goes on when they stop waiting', async () => {
    const fed = feedModel();
    const replies = open({ model: fed.model });
    const key = { idempotencyKey: 'request-1' };
    const told: string[] = [];
    const first = replies.reply(threadId, question, { ...key, onProgress: ({ chunk }) => told.push(chunk) });
    await fed.asked();
    const stop = new AbortController();
    const second = rejectionOf(replies.reply(threadId, question, { ...key, signal: stop.signal }));
    stop.abort(new RangeError('enough'));
    expect(await second).to.be.instanceOf(RangeError);
    fed.say('Home.');
    fed.end();
    expect(await first).to.include({ content: 'Home.', status: 'complete' });
    expect(told).to.deep.equal(['Home.']);
  });

  it('goes on where a listener rejects later, which ends no process', async () => {
    const logged: unknown[] = [];
    const silent = () => undefined;
    const error = (fields: object) => logged.push((fields as { readonly error: Error }).error.message);
    const url = await database.freshUrl();
    await using logging = await openChatStore({
      database: url,
      logger: { debug: silent, info: silent, warn: silent, error },
    });
    const { id } = await logging.conversations.startThread({});
    const replies = logging.replies({ model: sayAll('Home.') });
    const onProgress = async () => {
      await Promise.resolve();
      throw new Error('the socket is closed');
    };
    expect(await replies.reply(id, question, { onProgress })).to.include({ status: 'complete' });
    expect(logged).to.deep.equal(['the socket is closed']);
  });

  it('in a thread that is not there stores nothing', async () => {
    await store.conversations.deleteThread(threadId);
    const error = await rejectionOf(open({ model: sayAll('no') }).reply(threadId, question));
    expect((error as Error).cause).to.be.instanceOf(NotFoundError);
    expect(await store.messages.count({})).to.equal(0);
  });

  for (const faulty of [{ content: '' }, { content: 'a', options: [] }, { content: 'a\0b' }, {}]) {
    it(`to a faulty question is refused: ${JSON.stringify(faulty)}`, async () => {
      const replies = open({ model: sayAll('no') });
      expect(await rejectionOf(replies.reply(threadId, faulty as never))).to.be.instanceOf(ValidationError);
      expect(await contents()).to.deep.equal([]);
    });
  }

  it('is not given with faulty options: every fault is told', () => {
    const make = () => store.replies({ model: 'x' as never, historyLimit: 0, writeInterval: 1.5 });
    expect(make).to.throw(ValidationError).with.property('issues').that.has.length(3);
  });

  it('that is under way when its store closes is left to others, and interrupts nothing', async () => {
    const fed = feedModel();
    const reply = rejectionOf(open({ model: fed.model }).reply(threadId, question));
    await fed.asked();
    await store.close({ deadline: 50 });
    expect(await reply).to.be.instanceOf(SagaInterruptedError);
  });
});
