import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay, replayDeadLetters } from '../../../src/core/outbox/index.ts';
import { MessageClaims } from '../../../src/core/outbox/message-claims.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

describeOnEachDatabase('of one key', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
  });

  afterEach(() => provider.close());

  const publish = (n: number, key?: string) =>
    provider.transaction((tx) => outbox.publish(tx, { topic: 'work', key, payload: { n } }));

  /** Publishes 1 and 2 with a key, of which 1 is a dead letter. @returns the id of 2 */
  const publishTwo = async () => {
    await publish(1, 'a');
    await using refusing = new OutboxRelay<TestTopics>(provider, {
      retry: { attempts: 1 },
      deliver: () => Promise.reject(new Error('down')),
    });
    await refusing.runOnce();
    return await publish(2, 'a');
  };

  it('a dead letter that is put back waits for the one that is being delivered, which it comes behind', async () => {
    await publishTwo();
    const seen: number[] = [];
    const release = Promise.withResolvers<void>();
    const relays = [1, 2].map(
      () =>
        new OutboxRelay<TestTopics>(provider, {
          pollInterval: 10,
          deliver: async ({ payload }) => {
            const { n } = payload as { n: number };
            seen.push(n);
            if (n === 2) await release.promise;
          },
        }),
    );
    for (const relay of relays) relay.start();
    await until(() => seen.includes(2));
    expect(await replayDeadLetters(provider, { all: true })).to.deep.equal({ replayed: 1, overtaken: 1 });
    // Each of these is delivered by a look that has found the dead letter too.
    for (let n = 10; n < 20; n += 1) {
      await publish(n);
      await until(() => seen.includes(n));
    }
    expect(seen).to.not.include(1);
    release.resolve();
    await until(() => seen.includes(1));
    await Promise.all(relays.map((relay) => relay.stop()));
  });

  it('no two are leased, even by relays that have looked at different times', async () => {
    const second = await publishTwo();
    await replayDeadLetters(provider, { all: true });
    const [first] = await provider.db
      .selectFrom('outbox_messages')
      .select('id')
      .where('seq', '=', 1)
      .execute();
    const claims = ['1', '2'].map(
      (n) =>
        new MessageClaims(provider.sql, {
          owner: `00000000-0000-4000-8000-00000000000${n}`,
          duration: 1_000,
        }),
    );
    // The first relay found the second message at the head, before the replay.
    const results = await Promise.allSettled([
      claims[0]!.claimByIds(provider.db, [second], Date.now()),
      claims[1]!.claimByIds(provider.db, [first!.id], Date.now()),
    ]);
    const claimed = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    expect(claimed).to.have.lengthOf(1);
  });
});
