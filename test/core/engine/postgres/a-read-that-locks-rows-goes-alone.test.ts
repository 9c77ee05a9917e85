import { expect } from 'chai';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a read that locks rows goes alone', (postgres) => {
  it('also where it has always been quick: nobody waits behind it for its lock', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 3 }, statementTimeout: 3_000 });
    await provider.exec('insert into items values (1, null)');
    const plain = provider.db.selectFrom('items').select('id').compile();
    const locking = provider.db.selectFrom('items').select('id').forUpdate().compile();
    const run = (query: typeof plain) => provider.direct!.execute(query);
    for (let warm = 0; warm < 3; warm += 1) {
      await run(plain);
      await run(locking);
    }
    const isLocked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const holder = provider.transaction(async (tx) => {
      await tx.updateTable('items').set({ name: 'held' }).execute();
      isLocked.resolve();
      await release.promise;
    });
    await isLocked.promise;
    let isFree = false;
    const waiting = run(locking).finally(() => (isFree = true));
    expect((await run(plain)).rows).to.deep.equal([{ id: 1 }]);
    expect(isFree, 'the lock is still waited for').to.equal(false);
    release.resolve();
    await Promise.all([holder, waiting]);
  });
});
