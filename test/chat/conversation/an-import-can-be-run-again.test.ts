import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../../scripts/run-command.ts';
import { ForeignKeyViolationError, ValidationError } from '../../../src/core/index.ts';
import { newId } from '../../../src/core/domain/index.ts';
import type { ImportReport, ImportedThread, UserId } from '../../../src/chat/index.ts';
import { useChatStores } from '../../support/chat-store.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';

const start = 1_747_000_000_000;

function threadsOf(count: number, from = 0): ImportedThread[] {
  return Array.from({ length: count }, (_, index) => ({
    sourceId: `source ${from + index}`,
    title: `thread ${from + index}`,
    createdAt: start + index,
    metadata: { index },
    messages: [
      { role: 'user', content: `question ${index}`, createdAt: start + index },
      {
        role: 'assistant',
        content: `answer ${index}`,
        createdAt: start + index + 5,
        metadata: { model: 'm' },
      },
    ],
  }));
}

describeOnEachDatabase('an import', (database) => {
  const open = useChatStores(database);

  it('stores threads and messages as they were, and tells how far it is', async () => {
    const { conversations, threads, messages } = await open();
    const progress: ImportReport[] = [];
    const report = await conversations.importThreads(threadsOf(120), {
      onProgress: (sums) => progress.push(sums),
    });
    expect(report).to.deep.equal({ threads: 120, messages: 240, skipped: 0 });
    expect(progress.map((sums) => sums.threads)).to.deep.equal([50, 100, 120]);
    const thread = await threads.findFirst({ source_id: 'source 7' });
    expect(thread).to.deep.include({
      title: 'thread 7',
      nextSeq: 3,
      createdAt: start + 7,
      updatedAt: start + 12,
      metadata: { index: 7 },
    });
    const stored = await messages.findMany({ thread_id: thread!.id }, { orderBy: 'seq' });
    expect(stored.map(({ seq, role, content }) => [seq, role, content])).to.deep.equal([
      [1, 'user', 'question 7'],
      [2, 'assistant', 'answer 7'],
    ]);
  });

  it('passes over what is there already', async () => {
    const { conversations, threads, messages } = await open();
    await conversations.importThreads(threadsOf(30));
    const again = await conversations.importThreads(threadsOf(60));
    expect(again).to.deep.equal({ threads: 30, messages: 60, skipped: 30 });
    expect([await threads.count({}), await messages.count({})]).to.deep.equal([60, 120]);
  });

  it('stores each thread once when two run at once, or one names it twice', async () => {
    const { conversations, threads, messages } = await open();
    const twice = [...threadsOf(40), ...threadsOf(40)];
    const reports = await Promise.all([
      conversations.importThreads(twice),
      conversations.importThreads(twice),
    ]);
    expect(reports[0].threads + reports[1].threads).to.equal(40);
    expect([await threads.count({}), await messages.count({})]).to.deep.equal([40, 80]);
  });

  it('stops at a thread with a fault, names it, and can be gone on with', async () => {
    const { conversations, threads } = await open();
    const faulty = threadsOf(80);
    faulty[70] = {
      ...faulty[70]!,
      messages: [
        { role: 'user', content: 'fine' },
        { role: 'user', content: '' },
      ],
    };
    const error = await rejectionOf(conversations.importThreads(faulty));
    expect(error).to.be.instanceOf(ValidationError);
    expect((error as ValidationError).issues.map(({ path }) => path)).to.deep.equal([
      ['threads', 70, 'messages', 1, 'content'],
    ]);
    expect(await threads.count({})).to.equal(50);
    expect(await conversations.importThreads(threadsOf(80))).to.deep.equal({
      threads: 30,
      messages: 60,
      skipped: 50,
    });
  });

  it('refuses what is no thread, and names where', async () => {
    const { conversations, threads } = await open();
    const cases: [unknown, (string | number)[]][] = [
      [null, ['threads', 0]],
      [{ messages: [] }, ['threads', 0, 'sourceId']],
      [{ sourceId: 'a' }, ['threads', 0, 'messages']],
      [{ sourceId: 'a', messages: [null] }, ['threads', 0, 'messages', 0]],
    ];
    for (const [thread, path] of cases) {
      const error = await rejectionOf(conversations.importThreads([thread as ImportedThread]));
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as ValidationError).issues[0]?.path).to.deep.equal(path);
    }
    expect(await threads.count({})).to.equal(0);
  });

  it('cuts its transactions by the size of what it stores, and lets others have their turn', async () => {
    const { conversations } = await open();
    const content = 'word '.repeat(50_000);
    const large = Array.from({ length: 12 }, (_, index): ImportedThread => {
      return { sourceId: `large ${index}`, messages: [{ role: 'user', content }] };
    });
    const progress: number[] = [];
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await conversations.importThreads(large, { onProgress: (sums) => progress.push(sums.threads) });
    clearInterval(timer);
    expect(progress).to.deep.equal([5, 10, 12]);
    expect(turns).to.be.greaterThan(1);
  });

  it('cuts its transactions by the number of messages as well', async () => {
    const { conversations } = await open();
    const messages = Array.from({ length: 500 }, () => ({ role: 'user', content: 'yes' }) as const);
    const short = Array.from({ length: 9 }, (_, index): ImportedThread => {
      return { sourceId: `long ${index}`, messages };
    });
    const progress: number[] = [];
    await conversations.importThreads(short, { onProgress: (sums) => progress.push(sums.messages) });
    expect(progress).to.deep.equal([2_000, 4_000, 4_500]);
  });

  it('of a thread whose owner is not there stores nothing of its transaction', async () => {
    const { conversations, threads } = await open();
    const owned = threadsOf(3, 50).map((thread) => ({ ...thread, ownerId: newId<UserId>() }));
    const error = await rejectionOf(conversations.importThreads([...threadsOf(50), ...owned]));
    expect(error).to.be.instanceOf(ForeignKeyViolationError);
    expect(await threads.count({})).to.equal(50);
  });

  it('of the same threads in another order at the same time never ends in a deadlock', async () => {
    const { conversations, threads } = await open();
    const forward = threadsOf(50);
    await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        conversations.importThreads(index % 2 === 0 ? forward : forward.toReversed()),
      ),
    );
    expect(await threads.count({})).to.equal(50);
  });

  it('leaves nothing of a thread whose import was cut off by its source', async () => {
    const { conversations, threads } = await open();
    async function* source() {
      yield* threadsOf(60);
      throw new Error('the source broke');
    }
    expect(await rejectionOf(conversations.importThreads(source()))).to.have.property(
      'message',
      'the source broke',
    );
    expect(await threads.count({})).to.equal(50);
  });

  it('takes 1,000 real conversations, and finds the same in them on every engine', async () => {
    const { conversations, threads, messages } = await open();
    const lines = readFileSync(join(projectRoot, 'examples/data/conversations.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const imported = lines.map((line, index): ImportedThread => {
      const { id, turns } = JSON.parse(line) as {
        id: string;
        turns: { role: 'user' | 'assistant'; content: string }[];
      };
      return { sourceId: id, createdAt: start + index * 60_000, messages: turns };
    });
    expect(await conversations.importThreads(imported)).to.deep.equal({
      threads: 1_000,
      messages: 15_668,
      skipped: 0,
    });
    expect([await threads.count({}), await messages.count({})]).to.deep.equal([1_000, 15_668]);
    const hits = await conversations.search('vegetarian restaurant', { limit: 5 });
    expect(hits.map(({ score, message }) => [score, message.content])).to.deep.equal(expectedHits);
  });
});

describeOnDatabase('postgres', 'an import beside another', (database) => {
  const open = useChatStores(database);

  it('of the same threads in the opposite order waits for it, and not in a ring', async () => {
    const { provider, conversations, threads } = await open();
    // Rows that take their time, so that the two certainly meet half way.
    await provider.exec(`create function rest() returns trigger language plpgsql
      as $$ begin perform pg_sleep(0.02); return new; end $$`);
    await provider.exec(
      'create trigger rest before insert on context_threads for each row execute function rest()',
    );
    const forward = threadsOf(10);
    const reports = await Promise.all([
      conversations.importThreads(forward),
      conversations.importThreads(forward.toReversed()),
    ]);
    expect(reports[0].threads + reports[1].threads).to.equal(10);
    expect(await threads.count({})).to.equal(10);
  });
});

const expectedHits = [
  [90, 'Do they have vegetarian options there and how expensive is the restaurant?'],
  [86, 'Are there vegetarian options in the restaurant? And do they have outdoor seating?'],
  [
    43,
    'Sorry, your booking can not be done and the hotel does not provide vegetarian option. Their address is 4401 Cabrillo Street. Should i book for 3 people today at 5 pm as Hakka restaurant is nice.',
  ],
];
