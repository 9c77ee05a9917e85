import { expect } from 'chai';
import fc from 'fast-check';
import { isLiminalDataError, type DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { Upkeep } from '../../../src/core/outbox/upkeep.ts';
import { systemClock } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { countRows, findDisorder, openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

/** One transaction of one publisher: the keys of its messages, and whether it commits. */
const transactions = fc.record({
  keys: fc.array(fc.constantFrom('a', 'b', 'c', undefined), { minLength: 1, maxLength: 4 }),
  commits: fc.boolean(),
  isSerializable: fc.boolean(),
  fails: fc.boolean(),
});
const histories = fc.array(fc.array(transactions, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 5,
});

describeOnEachDatabase('messages of one key', (database) => {
  let provider: DatabaseProvider<OutboxTables>;

  before(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
  });

  after(() => provider.close());

  /** Publishes as told, again where the database asks for it. @returns the keys that were committed */
  async function publishAll(
    outbox: Outbox<{ work: { key: string | null; committer: number } }>,
    plan: readonly (typeof transactions extends fc.Arbitrary<infer Value> ? Value : never)[],
    publisher: number,
    committed: string[],
  ): Promise<void> {
    for (const { keys, commits, isSerializable } of plan) {
      for (;;) {
        try {
          const sorted = keys.toSorted((a, b) => String(a).localeCompare(String(b)));
          let names: string[] = [];
          await provider.transaction(
            async (tx) => {
              names = [];
              for (const key of sorted) {
                const payload = { key: key ?? null, committer: publisher };
                names.push(await outbox.publish(tx, { topic: 'work', key, payload }));
              }
              if (!commits) throw new RangeError('rolled back');
            },
            isSerializable ? { isolation: 'serializable' } : {},
          );
          committed.push(...names);
          break;
        } catch (error) {
          if (error instanceof RangeError) break;
          if (!isLiminalDataError(error) || !error.retryable) throw error;
        }
      }
    }
  }

  it('come once each, in the order of their places, whoever publishes, rolls back or fails', async function () {
    this.timeout(600_000);
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const outbox = new Outbox<{ work: { key: string | null; committer: number } }>(provider);
        const committed: string[] = [];
        const delivered: string[] = [];
        const failing = new Set<string>();
        const places = new Map<string, number>();
        const upkeep = new Upkeep(systemClock, provider.sql);
        const relays = [1, 2].map(
          () =>
            new OutboxRelay<{ work: { key: string | null; committer: number } }>(provider, {
              concurrency: 3,
              pollInterval: 10,
              retry: { baseDelay: 1, maxDelay: 2 },
              deliver: async ({ id, payload }) => {
                // Each third one fails at first.
                if (!failing.has(id) && failing.size < delivered.length / 3) {
                  failing.add(id);
                  throw new Error('not yet');
                }
                if (payload.key !== null) {
                  const row = await provider.db
                    .selectFrom('outbox_messages')
                    .select(['seq'])
                    .where('id', '=', id)
                    .executeTakeFirstOrThrow();
                  expect(row.seq).to.equal((places.get(payload.key) ?? 0) + 1);
                  places.set(payload.key, row.seq ?? 0);
                }
                delivered.push(id);
              },
            }),
        );
        for (const relay of relays) relay.start();
        await Promise.all(history.map((plan, index) => publishAll(outbox, plan, index, committed)));
        while ((await countRows(provider, 'outbox_messages')) > 0) await new Promise(setImmediate);
        await Promise.all(relays.map((relay) => relay.stop()));
        expect(delivered.toSorted()).to.deep.equal(committed.toSorted());
        while (await upkeep.tendOnce(provider.db));
        expect(await countRows(provider, 'outbox_keys')).to.equal(0);
      }),
      { numRuns: soakCount(200) },
    );
  });

  it('keep it where their key is forgotten meanwhile', async () => {
    const outbox = new Outbox<TestTopics>(provider);
    const upkeep = new Upkeep(systemClock, provider.sql);
    const seen: { n: number }[] = [];
    await using relay = new OutboxRelay<TestTopics>(provider, {
      pollInterval: 10,
      deliver: async ({ payload }) => void seen.push(payload as { n: number }),
    });
    relay.start();
    const count = soakCount(500);
    const tending = (async () => {
      while (seen.length < count) await upkeep.tendOnce(provider.db);
    })();
    for (let n = 0; n < count; n += 1) {
      await provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'k', payload: { n } }));
    }
    await tending;
    expect(seen.map(({ n }) => n)).to.deep.equal(Array.from({ length: count }, (_, n) => n));
  });

  it('keep it where one is published between the look at their key and its end', async () => {
    const outbox = new Outbox<TestTopics>(provider);
    const publish = (n: number) =>
      provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key: 'late', payload: { n } }));
    // What a delivery leaves behind. A relay that runs once would forget the key as well.
    const deliverAll = () => provider.db.deleteFrom('outbox_messages').execute();
    await publish(1);
    await deliverAll();
    let isLate = false;
    const slow = provider.db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!isLate && result.rows.some((row) => row['key'] === 'late')) {
          isLate = true;
          await publish(2);
          // Delivered as well, so that nothing but the place tells of it.
          await deliverAll();
        }
        return result;
      },
    });
    while (await new Upkeep(systemClock, provider.sql).tendOnce(slow));
    expect(isLate).to.equal(true);
    const row = await provider.db
      .selectFrom('outbox_keys')
      .select('last_seq')
      .where('key', '=', 'late')
      .executeTakeFirst();
    expect(row).to.deep.equal({ last_seq: 2 });
  });

  it('are told apart by the check when they are not in order', () => {
    const message = { id: '', topic: 'work', key: 'k', headers: {}, createdAt: 0 } as const;
    expect(
      findDisorder([
        { ...message, payload: { n: 2 } },
        { ...message, payload: { n: 1 } },
      ]),
    ).to.deep.equal(['k: 1 behind 2']);
  });
});
