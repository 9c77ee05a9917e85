import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay, type RelayEvent } from '../../../src/core/outbox/index.ts';
import { messageLeases } from '../../../src/core/outbox/message-leases.ts';
import { LeaseWatch } from '../../../src/core/outbox/lease-watch.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { Upkeep } from '../../../src/core/outbox/upkeep.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/until.ts';
import { openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

describe('the watch over the leases of others', () => {
  const lease = { id: 'm', fence: 1, lease_beat: 0, lease_duration: 900 };

  it('takes a lease that was seen without a sign of life for as long as its owner may be silent', () => {
    const clock = new FakeClock();
    const watch = new LeaseWatch(clock);
    const seen = [];
    for (let look = 0; look < 5; look += 1) {
      seen.push(watch.observe([lease]).length);
      clock.advance(300);
    }
    expect(seen).to.deep.equal([0, 0, 0, 1, 1]);
  });

  it('begins anew with every sign of life and every new lease', () => {
    const clock = new FakeClock();
    const watch = new LeaseWatch(clock);
    for (let look = 0; look < 50; look += 1) {
      expect(
        watch.observe([{ ...lease, lease_beat: look % 2, fence: 1 + Math.floor(look / 10) }]),
      ).to.deep.equal([]);
      clock.advance(300);
    }
  });

  it('counts time in which nobody looked in part alone, and jumps of the wall clock not at all', () => {
    const clock = new FakeClock();
    const watch = new LeaseWatch(clock);
    watch.observe([lease]);
    clock.advance(1_000_000);
    clock.shiftWall(86_400_000);
    expect(watch.observe([lease])).to.deep.equal([]);
    clock.shiftWall(-2 * 86_400_000);
    expect(watch.observe([lease])).to.deep.equal([]);
    expect(watch.nextLook).to.equal(300);
  });
});

describeOnEachDatabase('a relay', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
  });

  afterEach(() => provider.close());

  const publish = (n: number) =>
    provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'a', payload: { n } }));

  it('keeps a message that takes many times as long as a lease', async () => {
    await publish(1);
    const begun: string[] = [];
    const events: RelayEvent[] = [];
    const release = Promise.withResolvers<void>();
    const relays = ['first', 'second', 'third'].map(
      (name) =>
        new OutboxRelay(provider, {
          leaseDuration: 60,
          pollInterval: 10,
          deliver: async () => {
            begun.push(name);
            await release.promise;
          },
          onEvent: (event) => void events.push(event),
        }),
    );
    for (const relay of relays) relay.start();
    await until(async () => {
      const [row] = await provider.db.selectFrom('outbox_messages').select('lease_beat').execute();
      return (row?.lease_beat ?? 0) >= 20;
    });
    release.resolve();
    await until(() => events.length > 0);
    await Promise.all(relays.map((relay) => relay.stop()));
    expect(begun).to.have.lengthOf(1);
    expect(events.map(({ type }) => type)).to.deep.equal(['delivered']);
  });

  it('that was robbed all the same hears of it, and changes nothing any more', async () => {
    await publish(1);
    await publish(2);
    const events: RelayEvent[] = [];
    const begun: number[] = [];
    const lost = Promise.withResolvers<void>();
    await using relay = new OutboxRelay<TestTopics>(provider, {
      leaseDuration: 60,
      pollInterval: 10,
      concurrency: 1,
      deliver: async ({ payload }, { signal }) => {
        begun.push((payload as { n: number }).n);
        if (begun.length > 1) return;
        // As another one does who believes it dead.
        await provider.db
          .updateTable('outbox_messages')
          .set({
            lease_owner: '00000000-0000-4000-8000-000000000000',
            fence: 77,
            lease_duration: 200,
            attempts: 8,
          })
          .where('seq', '=', 1)
          .execute();
        signal.addEventListener('abort', () => lost.resolve());
        await new Promise(() => {});
      },
      onEvent: (event) => void events.push(event),
    });
    relay.start();
    await lost.promise;
    await until(() => events.length > 0);
    expect(events[0]?.type).to.equal('lost');
    expect(
      await provider.db
        .selectFrom('outbox_messages')
        .select(['seq', 'fence', 'attempts'])
        .orderBy('seq')
        .execute(),
    ).to.deep.equal([
      { seq: 1, fence: 77, attempts: 8 },
      { seq: 2, fence: 0, attempts: 0 },
    ]);
    // The other one never comes back, so that the message is free at last; its attempts count.
    await until(() => events.length === 4);
    expect(begun).to.deep.equal([1, 1, 2]);
    expect(events.map(({ type }) => type)).to.deep.equal(['lost', 'reclaimed', 'delivered', 'delivered']);
  });

  it('that gave a sign of life since it was seen keeps its message', async () => {
    await publish(1);
    const lease = { lease_owner: '00000000-0000-4000-8000-000000000000', lease_duration: 60, fence: 1 };
    await provider.db
      .updateTable('outbox_messages')
      .set({ ...lease, lease_beat: 5 })
      .execute();
    const [seen] = await messageLeases.list(provider.db);
    await provider.db.updateTable('outbox_messages').set({ lease_beat: 6 }).execute();
    expect(await messageLeases.free(provider.db, seen!)).to.equal(false);
    const [again] = await messageLeases.list(provider.db);
    expect(await messageLeases.free(provider.db, again!)).to.equal(true);
    expect(await messageLeases.free(provider.db, again!)).to.equal(false);
  });

  it('gives signs of life for as many messages as it may deliver at once', async () => {
    await provider.transaction(async (tx) => {
      for (let n = 0; n < 1_000; n += 1) await outbox.publish(tx, { topic: 'work', payload: { n } });
    });
    const release = Promise.withResolvers<void>();
    const events: RelayEvent[] = [];
    await using relay = new OutboxRelay(provider, {
      concurrency: 1_000,
      leaseDuration: 200,
      deliver: () => release.promise,
      onEvent: (event) => void events.push(event),
    });
    relay.start();
    const silent = provider.db
      .selectFrom('outbox_messages')
      .select('id')
      .where('lease_beat', '=', 0)
      .limit(1);
    await until(async () => (await silent.execute()).length === 0);
    release.resolve();
    await relay.stop();
    expect(new Set(events.map(({ type }) => type))).to.deep.equal(new Set(['delivered']));
    expect(events).to.have.lengthOf(1_000);
  });

  it('gives a message up at once whose last attempt ended with its process', async () => {
    await publish(1);
    await provider.db.updateTable('outbox_messages').set({ attempts: 3 }).execute();
    await using relay = new OutboxRelay(provider, {
      retry: { attempts: 3 },
      deliver: () => Promise.reject(new Error('must not be called')),
    });
    expect(await relay.runOnce()).to.deep.equal({ delivered: 0, failed: 0, dead: 1 });
    const dead = await provider.db.selectFrom('outbox_dead_letters').selectAll().executeTakeFirstOrThrow();
    expect(dead).to.include({ attempts: 3 });
    expect(dead.last_error).to.contain('process');
  });

  for (const who of ['started', 'run once'] as const) {
    it(`that is ${who} waits no longer for what a clock that was ahead has put off, and no shorter for others`, async () => {
      const clock = new FakeClock();
      const day = 86_400_000;
      // The second one has the pause of a relay that makes longer ones.
      for (const [n, failedAt, pause] of [
        [1, clock.now() + day, 60_000],
        [2, clock.now(), day],
      ] as const) {
        await provider.transaction((tx) => outbox.publish(tx, { topic: 'work', payload: { n } }));
        await provider.db
          .updateTable('outbox_messages')
          .set({ failed_at: failedAt, available_at: failedAt + pause, attempts: 1 })
          .where('attempts', '=', 0)
          .execute();
      }
      await using relay = new OutboxRelay(provider, { clock, deliver: async () => {} });
      if (who === 'run once') await relay.runOnce();
      else await new Upkeep(clock, provider.sql).tendOnce(provider.db);
      const rows = await provider.db
        .selectFrom('outbox_messages')
        .select('available_at')
        .orderBy('id')
        .execute();
      expect(rows.map((row) => row.available_at - clock.now())).to.deep.equal([60_000, day]);
    });
  }
});
