import { expect } from 'chai';
import { systemClock, type Clock, type DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay, type RelayOptions } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

/** So long that no test waits for it. */
const never = 60_000;

describeOnEachDatabase('a relay that looks rarely', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let seen: unknown[];

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    seen = [];
  });

  afterEach(() => provider.close());

  const startRelay = async (options: Partial<RelayOptions<TestTopics>> = {}) => {
    const relay = new OutboxRelay<TestTopics>(provider, {
      pollInterval: never,
      deliver: async ({ payload }) => void seen.push(payload),
      ...options,
    });
    relay.start();
    // It has looked once, and sleeps.
    await until(async () => {
      await provider.query('select 1');
      return provider.stats().busy === 0;
    });
    return relay;
  };

  const publish = (target: DatabaseProvider<OutboxTables>, topic: 'work' | 'other' = 'other') =>
    target.transaction((tx) =>
      new Outbox<TestTopics>(target).publish(
        tx,
        topic === 'work' ? { topic, payload: { n: 1 } } : { topic, payload: 'x' },
      ),
    );

  it('is woken by the commit of a publisher with the same provider', async () => {
    await using _ = await startRelay();
    for (let count = 1; count <= 5; count += 1) {
      await publish(provider);
      await until(() => seen.length === count);
    }
  });

  it('delivers the topics alone that it was given', async () => {
    await publish(provider, 'work');
    await publish(provider, 'other');
    await using relay = new OutboxRelay<TestTopics>(provider, {
      topics: ['work'],
      deliver: async ({ topic }) => void seen.push(topic),
    });
    expect(await relay.runOnce()).to.include({ delivered: 1 });
    expect(seen).to.deep.equal(['work']);
  });

  it('that was started inside of a transaction runs outside of it', async () => {
    const errors: unknown[] = [];
    const relay = new OutboxRelay<TestTopics>(provider, {
      pollInterval: 10,
      deliver: async ({ payload }) => void seen.push(payload),
      onEvent: (event) => void (event.type === 'error' && errors.push(event.error)),
    });
    await provider.transaction(async (tx) => {
      relay.start();
      await new Outbox<TestTopics>(provider).publish(tx, { topic: 'other', payload: 'x' });
    });
    await until(() => seen.length === 1);
    await relay.stop();
    // In memory the transaction has the only connection, and the relay has to come back.
    const kinds = new Set(errors.map((error) => (error as Error).name));
    expect([...kinds]).to.deep.equal(database.name === 'sqlite-memory' ? ['NestedAcquireError'] : []);
  });

  it('starts once, and stops however often', async () => {
    const relay = await startRelay();
    expect(() => relay.start()).to.throw(/running/);
    expect(await rejectionOf(relay.runOnce())).to.be.an('error');
    await Promise.all([relay.stop(), relay.stop()]);
    expect(() => relay.start()).to.throw(/stopped/);
  });

  it('ends by itself when the provider is closed', async () => {
    let errors = 0;
    let timers = 0;
    const clock = {
      ...systemClock,
      schedule: (...args: Parameters<Clock['schedule']>) => {
        timers += 1;
        return systemClock.schedule(...args);
      },
    };
    const onEvent = () => {
      errors += 1;
      timers = 0;
    };
    const relay = await startRelay({ pollInterval: 10, onEvent, clock });
    await provider.close();
    await until(() => errors > 0);
    // It would rest before it tries again.
    await new Promise(setImmediate);
    expect(timers).to.equal(0);
    await relay.stop();
  });

  it('names every fault of its options at once', () => {
    const faults = {
      concurrency: 0,
      leaseDuration: 1,
      pollInterval: 0.5,
      retry: { attempts: 0 },
      topics: [''],
    };
    const make = () => new OutboxRelay(provider, { deliver: undefined as never, ...faults });
    expect(make).to.throw(
      /deliver[^]*topics[^]*concurrency[^]*leaseDuration[^]*pollInterval[^]*retry\.attempts/,
    );
  });
});

describeOnDatabase('postgres', 'a relay that looks rarely', (database) => {
  it('is woken by publishers of other processes, also behind the loss of its listening connection', async () => {
    const url = await database.freshUrl();
    await using provider = await openOutboxDatabase(url);
    await using publisher = await openOutboxDatabase(url);
    const seen: unknown[] = [];
    await using relay = new OutboxRelay<TestTopics>(provider, {
      pollInterval: never,
      deliver: async ({ payload }) => void seen.push(payload),
    });
    relay.start();
    const publish = (payload: string) =>
      publisher.transaction((tx) =>
        new Outbox<TestTopics>(publisher).publish(tx, { topic: 'other', payload }),
      );
    await publish('first');
    await until(() => seen.length === 1);
    const listeners = `select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%' or query = ''
      and datname = current_database() and state = 'idle'`;
    await until(async () => (await publisher.query(listeners)).length > 0);
    await publisher.query(
      `select pg_terminate_backend(pid) from (${listeners}) as l where pid <> pg_backend_pid()`,
    );
    // Sent while nobody listens: it is found when the connection is back.
    await publish('second');
    await until(() => seen.length === 2);
    await publish('third');
    await until(() => seen.length === 3);
    expect(seen).to.deep.equal(['first', 'second', 'third']);
  });
});
