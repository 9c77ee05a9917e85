import { expect } from 'chai';
import { UnitOfWork, type DatabaseProvider } from '../../../src/core/index.ts';
import { Outbox, OutboxRelay } from '../../../src/core/outbox/index.ts';
import type { OutboxTables } from '../../../src/core/outbox/outbox-tables.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { openOutboxDatabase, type TestTopics } from './outbox-fixture.ts';

describeOnEachDatabase('a unit of work', (database) => {
  let provider: DatabaseProvider<OutboxTables>;
  let outbox: Outbox<TestTopics>;
  let seen: number[];
  let relay: OutboxRelay<TestTopics>;

  beforeEach(async () => {
    provider = await openOutboxDatabase(await database.freshUrl());
    outbox = new Outbox(provider);
    seen = [];
    relay = new OutboxRelay<TestTopics>(provider, {
      pollInterval: 60_000,
      deliver: async ({ payload }) => void seen.push((payload as { n: number }).n),
    });
    relay.start();
  });

  afterEach(async () => {
    await relay.stop();
    await provider.close();
  });

  it('publishes what its nested units have kept, when the outermost commits, and wakes the relay', async () => {
    const unitOfWork = new UnitOfWork(provider);
    await unitOfWork.run(async ({ db }) => {
      await outbox.publish(db, { topic: 'work', key: 'k', payload: { n: 1 } });
      await unitOfWork
        .run(async (nested) => {
          await outbox.publish(nested.db, { topic: 'work', key: 'k', payload: { n: 2 } });
          throw new RangeError('undone');
        })
        .catch(() => undefined);
      await unitOfWork.run((nested) =>
        outbox.publish(nested.db, { topic: 'work', key: 'k', payload: { n: 3 } }),
      );
      expect(seen).to.deep.equal([]);
    });
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal([1, 3]);
  });

  it('that runs beside many others of the same key is retried, and publishes once', async () => {
    // More attempts than by default: all of them want the one row at once.
    const retry = { attempts: 100, baseDelay: 1, maxDelay: 20 };
    const unitOfWork = new UnitOfWork(provider, { defaults: { retry } });
    const numbers = Array.from({ length: 20 }, (_, n) => n);
    await Promise.all(
      numbers.map((n) =>
        unitOfWork.run(({ db }) => outbox.publish(db, { topic: 'work', key: 'k', payload: { n } })),
      ),
    );
    await until(() => seen.length === numbers.length);
    expect(seen.toSorted((a, b) => a - b)).to.deep.equal(numbers);
  });
});
