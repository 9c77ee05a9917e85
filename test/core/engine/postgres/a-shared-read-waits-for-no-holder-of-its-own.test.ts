import { expect } from 'chai';
import { NestedAcquireError, outside } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a shared read inside of a transaction', (postgres) => {
  it('does not join those who wait for the connection that only its own transaction can give back', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1, acquireTimeout: 60_000 } });
    const query = provider.db.selectFrom('items').selectAll().compile();
    for (let warm = 0; warm < 3; warm += 1) await provider.direct!.execute(query);
    const isHeld = Promise.withResolvers<void>();
    // Somebody else, who has nothing to do with the transaction.
    const neighbour = isHeld.promise.then(() => provider.direct!.execute(query));
    await provider.transaction(async (tx) => {
      await tx.selectFrom('items').selectAll().execute();
      isHeld.resolve();
      // In microtasks alone, since who comes within some ms is let in to those who wait.
      for (let task = 0; task < 50; task += 1) await Promise.resolve();
      expect(provider.stats().waiting).to.equal(1);
      // Whoever waited would wait for longer than this test may take.
      const nested = outside(() => provider.direct!.execute(query));
      expect(await rejectionOf(nested)).to.be.instanceOf(NestedAcquireError);
    });
    expect(await neighbour).to.deep.include({ rows: [] });
  });
});
