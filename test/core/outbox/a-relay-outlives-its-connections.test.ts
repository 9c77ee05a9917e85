import { expect } from 'chai';
import { Outbox, OutboxRelay, type RelayEvent } from '../../../src/core/outbox/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { TcpProxy } from '../../support/tcp-proxy.ts';
import { until } from '../../support/until.ts';
import { findDisorder, openOutboxDatabase, type TestMessage, type TestTopics } from './outbox-fixture.ts';

describeOnDatabase('postgres', 'a relay whose connections are cut', (database) => {
  it('delivers everything, in order, and again only what it had in its hands', async function () {
    this.timeout(30_000);
    const url = await database.freshUrl();
    const proxy = await TcpProxy.listen(url);
    try {
      await using publisher = await openOutboxDatabase(url);
      await using provider = await openOutboxDatabase(proxy.urlOf(url));
      const outbox = new Outbox<TestTopics>(publisher);
      await publisher.transaction(async (tx) => {
        for (let n = 0; n < 60; n += 1) {
          await outbox.publish(tx, { topic: 'work', key: String(n % 3), payload: { n } });
        }
      });
      const seen = new Map<string, TestMessage>();
      const events: RelayEvent[] = [];
      let deliveries = 0;
      let cuts = 0;
      await using relay = new OutboxRelay<TestTopics>(provider, {
        leaseDuration: 200,
        pollInterval: 10,
        concurrency: 3,
        deliver: async (message) => {
          deliveries += 1;
          seen.set(message.id, seen.get(message.id) ?? message);
          if (seen.size % 10 !== 0 || cuts >= seen.size / 10) return;
          cuts += 1;
          proxy.cutLines();
        },
        onEvent: (event) => void events.push(event),
      });
      relay.start();
      await until(
        async () => (await publisher.query('select 1 from outbox_messages limit 1')).length === 0,
        20_000,
      );
      expect(seen.size).to.equal(60);
      expect(findDisorder([...seen.values()])).to.deep.equal([]);
      expect(cuts).to.equal(6);
      expect(deliveries - seen.size).to.be.at.most(3 * cuts);
      expect(events.filter(({ type }) => type === 'dead')).to.deep.equal([]);
    } finally {
      await proxy.close();
    }
  });
});
