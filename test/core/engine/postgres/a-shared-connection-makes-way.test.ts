import { expect } from 'chai';
import { sql } from 'kysely';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a shared connection makes way', (postgres) => {
  it('for a transaction although a read is always under way on it', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1, acquireTimeout: 1_000 } });
    // One behind the other on the server, so that each is sent while others are under way.
    const query = provider.db.selectNoFrom(sql`pg_sleep(0.0015)`.as('slept')).compile();
    for (let warm = 0; warm < 5; warm += 1) await provider.direct!.execute(query);
    let reads = 0;
    let isReading = true;
    const readers = Array.from({ length: 4 }, async () => {
      for (; isReading; reads += 1) await provider.direct!.execute(query);
    });
    try {
      for (let id = 0; id < 10; id += 1) {
        await provider.transaction((tx) => tx.insertInto('items').values({ id, name: null }).execute());
      }
    } finally {
      isReading = false;
      await Promise.all(readers);
    }
    expect(reads).to.be.greaterThan(10);
    expect(provider.stats()).to.include({ created: 1, timeouts: 0 });
  });
});
