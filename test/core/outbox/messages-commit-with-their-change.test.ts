import { expect } from 'chai';
import { CamelCasePlugin } from 'kysely';
import { ValidationError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { countRows, openOutboxDatabase, type TestMessage, type TestTopics } from './outbox-fixture.ts';

describeOnEachDatabase('a message', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
  });

  afterEach(() => provider.close());

  const deliverAll = async () => {
    const delivered: TestMessage[] = [];
    await using relay = new OutboxRelay<TestTopics>(provider, {
      deliver: async (message) => void delivered.push(message),
    });
    await relay.runOnce();
    return delivered;
  };

  it('is delivered as it was published, and is gone then', async () => {
    const headers = { trace: 'a1', ünï: '\u{1f600}' };
    const before = Date.now();
    const id = await provider.transaction((tx) =>
      outbox.publish(tx, { topic: 'work', key: 'k', payload: { n: 1 }, headers }),
    );
    const [message, ...others] = await deliverAll();
    expect(others).to.deep.equal([]);
    expect(message).to.deep.include({ id, topic: 'work', key: 'k', payload: { n: 1 }, headers });
    expect(message?.createdAt).to.be.within(before, Date.now());
    expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await countRows(provider, 'outbox_messages')).to.equal(0);
    expect(await deliverAll()).to.deep.equal([]);
  });

  it('that was published in a transaction that is rolled back is never delivered', async () => {
    const failing = provider.transaction(async (tx) => {
      await outbox.publish(tx, { topic: 'work', key: 'k', payload: { n: 1 } });
      throw new RangeError('the change failed');
    });
    expect(await rejectionOf(failing)).to.be.instanceOf(RangeError);
    await provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'k', payload: { n: 2 } }));
    expect((await deliverAll()).map(({ payload }) => payload)).to.deep.equal([{ n: 2 }]);
  });

  it('that is compiled is published by whoever runs it, with the transaction', async () => {
    const publish = (message: Parameters<typeof outbox.compile>[0]) =>
      provider.transaction((tx) => tx.executeQuery(outbox.compile(message)));
    await publish({ topic: 'work', payload: { n: 1 }, headers: { trace: 'a1' } });
    const undone = provider.transaction(async (tx) => {
      await tx.executeQuery(outbox.compile({ topic: 'work', payload: { n: 2 } }));
      throw new RangeError('the change failed');
    });
    expect(await rejectionOf(undone)).to.be.instanceOf(RangeError);
    outbox.compile({ topic: 'work', payload: { n: 3 } });
    const [message, ...others] = await deliverAll();
    expect(message).to.deep.include({ topic: 'work', payload: { n: 1 }, headers: { trace: 'a1' } });
    expect(others).to.deep.equal([]);
    // @ts-expect-error -- a message with a key takes a place, which one statement cannot
    const withKey = () => outbox.compile({ topic: 'work', key: 'k', payload: { n: 1 } });
    expect(withKey).to.throw(ValidationError, 'must be left out');
  });

  it('is refused outside of a transaction', async () => {
    const error = await rejectionOf(outbox.publish(provider.db, { topic: 'other', payload: 'x' }));
    expect(error).to.be.instanceOf(ValidationError);
    expect(await countRows(provider, 'outbox_messages')).to.equal(0);
  });

  const refused: readonly [string, object, (string | number)[]][] = [
    ['an empty topic', { topic: '', payload: 1 }, ['topic']],
    ['a topic that is too long', { topic: 'x'.repeat(256), payload: 1 }, ['topic']],
    ['an empty key', { topic: 'other', key: '', payload: 1 }, ['key']],
    ['a key with NUL', { topic: 'other', key: 'a\0', payload: 1 }, ['key']],
    ['a payload that is no JSON', { topic: 'other', payload: new Date() }, ['payload']],
    ['no payload', { topic: 'other' }, ['payload']],
    ['headers that are a text', { topic: 'other', payload: 1, headers: 'a' }, ['headers']],
    ['headers that are a list', { topic: 'other', payload: 1, headers: ['a'] }, ['headers']],
    ['headers that are nothing', { topic: 'other', payload: 1, headers: null }, ['headers']],
    ['a header that is no text', { topic: 'other', payload: 1, headers: { a: 1 } }, ['headers', 'a']],
  ];
  for (const [what, message, path] of refused) {
    it(`with ${what} is refused before anything is sent`, async () => {
      const error = await rejectionOf(
        provider.transaction((tx) => outbox.publish(tx, message as { topic: 'other'; payload: string })),
      );
      expect(error).to.be.instanceOf(ValidationError);
      expect((error as ValidationError).issues.map((issue) => issue.path)).to.deep.equal([path]);
    });
  }

  it('is stored the same by a provider whose plugins rename columns', async () => {
    if (database.name === 'sqlite-memory') return;
    const url = await database.freshUrl();
    await (await openOutboxDatabase(url)).close();
    await using renaming = await openOutboxDatabase(url, { plugins: [new CamelCasePlugin()] });
    await renaming.transaction((tx) =>
      new Outbox<TestTopics>(renaming).publish(tx, { topic: 'work', key: 'k', payload: { n: 7 } }),
    );
    const seen: unknown[] = [];
    await using relay = new OutboxRelay<TestTopics>(renaming, {
      deliver: async ({ createdAt, payload }) => void seen.push(typeof createdAt, payload),
    });
    expect(await relay.runOnce()).to.deep.equal({ delivered: 1, failed: 0, dead: 0 });
    expect(seen).to.deep.equal(['number', { n: 7 }]);
  });
});
