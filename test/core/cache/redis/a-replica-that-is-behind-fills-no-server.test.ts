import { expect } from 'chai';
import { describeOnDatabase } from '../../../support/database.ts';
import { PostgresCluster } from '../../../support/postgres-cluster.ts';
import { primarySettings, startStandby } from '../../../support/postgres-standby.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis } from '../../../support/redis-server.ts';
import { slowClock } from '../../../support/slow-clock.ts';
import { until } from '../../../support/until.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared } from './redis-fixture.ts';

describeOnOwnRedis('a replica that is behind', () => {
  describeOnDatabase('postgres', 'fills no server', () => {
    let primary: PostgresCluster;
    let standby: PostgresCluster;
    let server: OwnRedis;

    before(async function () {
      this.timeout(120_000);
      [primary, server] = await Promise.all([PostgresCluster.start(primarySettings), OwnRedis.start()]);
      standby = await startStandby(primary);
    });
    after(async function () {
      this.timeout(60_000);
      await standby.ask('select pg_wal_replay_resume()');
      await server.kill();
      for (const cluster of [standby, primary]) await cluster.remove();
    });

    it('with what it had before a commit of another process that nobody has told of', async () => {
      const options = { prefix: freshPrefix(), isTiered: false, bus: null };
      const writer = await openShared(primary.url, server.url, options);
      const [person, ...others] = [makePerson(), makePerson()];
      for (const each of [person, ...others]) await writer.people.insert(each);
      const reader = await openShared(
        { url: primary.url, connection: { replicas: [standby.url], replicaMaxLag: 0 } },
        server.url,
        { ...options, isNew: false, provider: { clock: slowClock(20) } },
      );
      for (const each of [writer, reader]) await listening(each);
      const portOf = async () =>
        (await reader.provider.direct!.execute<{ port: number }>(askPort(reader))).rows[0]!.port;
      await until(async () => (await portOf()) === standby.port);
      expect(await reader.plainPeople.getById(person.id)).to.deep.equal(person);
      await standby.ask('select pg_wal_replay_pause()');
      const written = await writer.people.update({ ...person, name: 'new' });
      // Without a cache it does not know better.
      expect(await reader.plainPeople.getById(person.id)).to.deep.equal(person);
      expect(await reader.people.getById(person.id)).to.deep.equal(written);
      expect(await writer.people.getById(person.id)).to.deep.equal(written);
      for (const each of [reader, writer]) await each.close();
    });
  });
});

function askPort({ provider }: Awaited<ReturnType<typeof openShared>>) {
  return provider.db.selectNoFrom((select) => select.fn<number>('inet_server_port', []).as('port')).compile();
}
