import { expect } from 'chai';
import { once } from 'node:events';
import { sql } from 'kysely';
import { DeliveryAbortedError, systemClock, type DatabaseProvider } from '../../../src/core/index.ts';
import { createUuidSource } from '../../../src/core/domain/uuid.ts';
import {
  Outbox,
  OutboxRelay,
  readOutboxStatus,
  replayDeadLetters,
  type RelayEvent,
  type RelayOptions,
} from '../../../src/core/outbox/index.ts';
import { retryDelay } from '../../../src/core/outbox/delivery.ts';
import type { OutboxProvider } from '../../../src/core/outbox/outbox-provider.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { countRows, openOutboxDatabase, type TestMessage, type TestTopics } from './outbox-fixture.ts';

describeOnEachDatabase('a message that cannot be delivered', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;
  let events: RelayEvent<TestTopics>[];
  let delivered: string[];

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
    events = [];
    delivered = [];
  });

  afterEach(() => provider.close());

  const publish = (key: string | undefined, n: number) =>
    provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key, payload: { n } }));
  const nameOf = ({ key = '-', payload }: TestMessage) => `${key}${(payload as { n: number }).n}`;
  const relayOf = (options: Partial<RelayOptions<TestTopics>>) =>
    new OutboxRelay<TestTopics>(provider, {
      pollInterval: 20,
      retry: { attempts: 3, baseDelay: 1, maxDelay: 2 },
      deliver: async (message) => void delivered.push(nameOf(message)),
      onEvent: (event) => void events.push(event),
      ...options,
    });
  const eventsOf = (type: RelayEvent['type']) => events.filter((event) => event.type === type);

  it('comes again, and those behind it in its key wait while other keys go on', async () => {
    for (const [key, n] of [
      ['a', 1],
      ['a', 2],
      ['b', 1],
      ['b', 2],
      [undefined, 1],
    ] as const)
      await publish(key, n);
    let isMended = false;
    await using relay = relayOf({
      retry: { attempts: 1_000, baseDelay: 1, maxDelay: 2 },
      deliver: async (message) => {
        if (nameOf(message) === 'a1' && !isMended) throw new Error('not yet');
        delivered.push(nameOf(message));
      },
    });
    relay.start();
    await until(() => delivered.length === 3 && eventsOf('failed').length >= 3);
    expect(delivered.toSorted()).to.deep.equal(['-1', 'b1', 'b2']);
    expect(delivered.indexOf('b1')).to.be.lessThan(delivered.indexOf('b2'));
    isMended = true;
    await until(() => delivered.length === 5);
    expect(delivered.slice(3)).to.deep.equal(['a1', 'a2']);
  });

  it('becomes a dead letter after its last attempt, and its key goes on', async () => {
    const poison = await publish('a', 1);
    await publish('a', 2);
    await using relay = relayOf({
      deliver: async (message, { attempt }) => {
        if (message.id === poison) throw new TypeError(`attempt ${attempt}\0\ud800`);
        delivered.push(nameOf(message));
      },
    });
    relay.start();
    await until(() => delivered.length === 1);
    expect(eventsOf('failed').map((event) => 'attempt' in event && event.attempt)).to.deep.equal([1, 2]);
    expect(eventsOf('dead')).to.have.lengthOf(1);
    const dead = await provider.db.selectFrom('outbox_dead_letters').selectAll().executeTakeFirstOrThrow();
    expect(dead).to.include({
      id: poison,
      key: 'a',
      seq: 1,
      attempts: 3,
      last_error: 'TypeError: attempt 3\ufffd',
    });
  });

  it('is put back at its old place by a replay, which says what has overtaken it', async () => {
    for (const n of [1, 2, 3]) await publish('a', n);
    const refuse = { retry: { attempts: 1 }, deliver: () => Promise.reject(new Error('down')) };
    await using failing = relayOf(refuse);
    for (let round = 0; round < 3; round += 1) await failing.runOnce();
    expect(await countRows(provider, 'outbox_dead_letters')).to.equal(3);
    for (const n of [4, 5]) await publish('a', n);
    expect(await replayDeadLetters(provider, { topic: 'work' })).to.deep.equal({ replayed: 3, overtaken: 0 });
    await using working = relayOf({});
    expect(await working.runOnce()).to.deep.equal({ delivered: 5, failed: 0, dead: 0 });
    expect(delivered).to.deep.equal(['a1', 'a2', 'a3', 'a4', 'a5']);

    const late = await publish('a', 6);
    await using again = relayOf(refuse);
    await again.runOnce();
    await publish('a', 7);
    await working.runOnce();
    expect(await replayDeadLetters(provider, { id: late })).to.deep.equal({ replayed: 1, overtaken: 1 });
    expect(await replayDeadLetters(provider, { all: true })).to.deep.equal({ replayed: 0, overtaken: 0 });
    await working.runOnce();
    expect(delivered.slice(5)).to.deep.equal(['a7', 'a6']);
  });

  it('is put back once by a replay, also where it is dead again before the replay has come to its end', async () => {
    const count = 1_100;
    const newId = createUuidSource(systemClock);
    const letters = Array.from({ length: count }, () => ({
      id: newId(),
      topic: 'work',
      key: null,
      seq: null,
      payload: '{"n":1}',
      headers: '{}',
      created_at: 1,
      attempts: 1,
      last_error: null,
      died_at: 1,
    }));
    for (let from = 0; from < count; from += 500) {
      await provider.db
        .insertInto('outbox_dead_letters')
        .values(letters.slice(from, from + 500))
        .execute();
    }
    let portions = 0;
    const failing: OutboxProvider = {
      db: provider.db,
      sql: provider.sql,
      async transaction(work, options) {
        const result = await provider.transaction(work, options);
        portions += 1;
        if (portions > 5) throw new Error('It replays the same ones again and again.');
        // What a relay does whose consumer is down.
        await provider.transaction(async (tx) => {
          await sql`insert into outbox_dead_letters (id, topic, key, seq, payload, headers, created_at, attempts, died_at)
            select id, topic, key, seq, payload, headers, created_at, 1, 1 from outbox_messages`.execute(tx);
          await tx.deleteFrom('outbox_messages').execute();
        });
        return result;
      },
    };
    expect(await replayDeadLetters(failing, { all: true })).to.deep.equal({ replayed: count, overtaken: 0 });
    expect(await countRows(provider, 'outbox_dead_letters')).to.equal(count);
  });

  it('is told by the status, with the age of the oldest', async () => {
    await publish('a', 1);
    await publish('b', 1);
    await publish(undefined, 3);
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using relay = relayOf({
      retry: { attempts: 5, baseDelay: 60_000 },
      deliver: async (message) => {
        if (nameOf(message) === 'a1') throw new Error('not yet');
        started.resolve();
        if (nameOf(message) === 'b1') await release.promise;
      },
    });
    relay.start();
    await started.promise;
    await until(() => eventsOf('failed').length === 1 && eventsOf('delivered').length === 1);
    const { topics } = await readOutboxStatus(provider);
    expect(topics).to.have.lengthOf(1);
    expect(topics[0]).to.include({ topic: 'work', pending: 2, leased: 1, failing: 1, dead: 0 });
    expect(topics[0]?.oldestAge).to.be.within(0, 60_000);
    release.resolve();
  });

  it('is given up when it takes too long, and its signal says so', async () => {
    await publish('a', 1);
    await publish('b', 1);
    const reasons: unknown[] = [];
    await using relay = relayOf({
      deliverTimeout: 20,
      retry: { attempts: 2, baseDelay: 1 },
      deliver: async (message, { signal }) => {
        if (nameOf(message) !== 'a1') return void delivered.push(nameOf(message));
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        await new Promise(() => {});
      },
    });
    relay.start();
    await until(() => eventsOf('dead').length === 1);
    expect(delivered).to.deep.equal(['b1']);
    expect(reasons).to.have.lengthOf(2);
    expect(reasons[0]).to.be.instanceOf(DeliveryAbortedError);
  });

  it('slowly keeps nobody else waiting', async () => {
    await publish('slow', 1);
    const release = Promise.withResolvers<void>();
    await using relay = relayOf({
      concurrency: 2,
      deliver: async (message) => {
        if (nameOf(message) === 'slow1') await release.promise;
        delivered.push(nameOf(message));
      },
    });
    relay.start();
    for (let n = 0; n < 20; n += 1) await publish(n % 2 === 0 ? 'a' : undefined, n);
    await until(() => delivered.length === 20);
    release.resolve();
    await relay.stop();
    expect(delivered.at(-1)).to.equal('slow1');
  });

  it('when the relay stops is aborted at the deadline, and comes again', async () => {
    await publish('a', 1);
    const started = Promise.withResolvers<AbortSignal>();
    const relay = relayOf({
      deliver: async (_, { signal }) => {
        started.resolve(signal);
        await once(signal, 'abort');
        throw signal.reason as Error;
      },
    });
    relay.start();
    const signal = await started.promise;
    await relay.stop({ deadline: 20 });
    expect(signal.reason).to.be.instanceOf(DeliveryAbortedError);
    await using next = relayOf({});
    next.start();
    await until(() => delivered.length === 1);
  });

  it('that is aborted because the relay stops costs no attempt, were it the last', async () => {
    await publish('a', 1);
    const started = Promise.withResolvers<void>();
    const relay = relayOf({
      retry: { attempts: 1 },
      deliver: async () => {
        started.resolve();
        await new Promise(() => {});
      },
    });
    relay.start();
    await started.promise;
    await relay.stop({ deadline: 0 });
    const rows = provider.db
      .selectFrom('outbox_messages')
      .select(['attempts', 'lease_owner', 'available_at']);
    expect(await rows.execute()).to.deep.equal([{ attempts: 0, lease_owner: null, available_at: 0 }]);
  });

  it('for a reason that is no error is kept with it, as every engine stores it', async () => {
    const reasons: unknown[] = [`at\0last\ud800${'x'.repeat(5_000)}`, undefined, Symbol('s'), { message: 1 }];
    for (const [n] of reasons.entries()) await publish(undefined, n);
    await using relay = relayOf({
      retry: { attempts: 1 },
      // Whatever an application throws, which its types cannot keep it from.
      deliver: async ({ payload }) => {
        throw reasons[(payload as { n: number }).n] as Error;
      },
    });
    expect(await relay.runOnce()).to.deep.equal({ delivered: 0, failed: 0, dead: 4 });
    const dead = await provider.db
      .selectFrom('outbox_dead_letters')
      .select('last_error')
      .orderBy('id')
      .execute();
    const none = 'Something was thrown that is no error.';
    expect(dead.map(({ last_error }) => last_error?.slice(0, 60))).to.deep.equal([
      `atlast\ufffd${'x'.repeat(53)}`,
      none,
      none,
      none,
    ]);
    expect(dead[0]?.last_error?.length).to.be.at.most(1_000);
  });

  it('that was leased while the relay was told to stop is given back, and costs no attempt', async () => {
    let stopping: Promise<void> | undefined;
    const begun: unknown[] = [];
    // Told when the claim has its answer, and before the relay has it.
    await using watched = await openOutboxDatabase(await database.freshUrl(), {
      onStatement: ({ sql: text }) => {
        if (/^\s*update outbox_messages set lease_owner/.test(text)) stopping ??= relay.stop({ deadline: 0 });
      },
    });
    await watched.transaction((tx) =>
      new Outbox<TestTopics>(watched).publish(tx, { topic: 'work', payload: { n: 1 } }),
    );
    const relay = new OutboxRelay<TestTopics>(watched, {
      deliver: async (message) => void begun.push(message),
    });
    relay.start();
    await until(() => stopping !== undefined);
    await stopping;
    const row = watched.db.selectFrom('outbox_messages').select(['attempts', 'lease_owner']);
    await until(async () => (await row.executeTakeFirst())?.lease_owner === null);
    expect(begun).to.deep.equal([]);
    expect(await row.execute()).to.deep.equal([{ attempts: 0, lease_owner: null }]);
  });
});

describe('the pause behind a failure', () => {
  it('doubles up to its limit, less up to a half at random', () => {
    const options = { attempts: 10, baseDelay: 100, maxDelay: 1_000 };
    const pauses = (random: number) =>
      [1, 2, 3, 4, 5, 50].map((attempt) => retryDelay(options, attempt, () => random));
    expect(pauses(0)).to.deep.equal([100, 200, 400, 800, 1_000, 1_000]);
    expect(pauses(1)).to.deep.equal([50, 100, 200, 400, 500, 500]);
  });
});
