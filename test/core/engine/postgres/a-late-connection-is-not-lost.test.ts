import { expect } from 'chai';
import { sql } from 'kysely';
import { ConnectionError } from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a connection that comes when nobody waits any more', (postgres) => {
  it('is kept for the next caller', async () => {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    try {
      const clock = new FakeClock();
      const provider = await postgres.open(
        { url: proxy.urlOf(url), pool: { acquireTimeout: 1_000, max: 1 } },
        { clock },
      );
      const begun = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const holder = provider.db.connection().execute(async (db) => {
        // So that it is not lent again.
        await sql`begin`.execute(db);
        begun.resolve();
        await release.promise;
      });
      await begun.promise;
      proxy.fallSilent();
      const late = rejectionOf(provider.exec('create table items (id bigint)'));
      await until(() => provider.stats().waiting === 1);
      // It has waited in line before, so that the time that is left does not suffice to connect.
      clock.advance(600);
      const lines = proxy.lines;
      release.resolve();
      await holder;
      await until(() => proxy.lines > lines);
      clock.advance(400);
      expect(await late).to.be.instanceOf(ConnectionError);
      proxy.speakAgain();
      await until(() => provider.stats().idle === 1);
      expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
      expect(provider.stats()).to.include({ size: 1, created: 2, retired: 1 });
    } finally {
      await proxy.close();
    }
  });
});
