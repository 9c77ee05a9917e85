import { expect } from 'chai';
import { makeTestDatabase } from '../../../support/database.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis, withRedis } from '../../../support/redis-server.ts';
import { until } from '../../../support/until.ts';
import { makePerson, type Person } from '../cached-fixture.ts';
import { listening, openShared, settled, type SharedDatabase } from './redis-fixture.ts';

describeOnOwnRedis('another server takes over', () => {
  const database = makeTestDatabase('sqlite-file');
  let first: OwnRedis;
  let second: OwnRedis;

  before(async () => {
    // A replica begins at once.
    const settings = ['--repl-diskless-sync-delay', '0'];
    [first, second] = await Promise.all([OwnRedis.start(settings), OwnRedis.start(settings)]);
  });

  after(async () => {
    await first.kill();
    await second.kill();
    await database.cleanup();
  });

  const replicate = async (replica: OwnRedis, primary: OwnRedis) => {
    await withRedis(replica.url, (client) => client.replicaof('127.0.0.1', primary.port));
    await until(() =>
      withRedis(replica.url, async (client) =>
        (await client.info('replication')).includes('master_link_status:up'),
      ),
    );
  };
  const promote = (server: OwnRedis) => withRedis(server.url, (client) => client.replicaof('NO', 'ONE'));
  /** Its answer comes from the server, without a statement. */
  const isKept = ({ people, redis, sent }: SharedDatabase, { id }: Person) =>
    until(async () => {
      await people.getById(id);
      await settled(redis);
      sent();
      const { hits } = redis.stats();
      await people.getById(id);
      return sent() === 0 && redis.stats().hits > hits;
    });

  for (const isAsked of [true, false]) {
    it(`and what it lacks is not given, ${isAsked ? 'by a replica' : 'nor where it was one meanwhile'}`, async () => {
      const url = await database.freshUrl();
      const prefix = freshPrefix();
      const one = await openShared(url, first.url, { prefix, isTiered: false });
      const two = await openShared(url, first.url, { prefix, isTiered: false, isNew: false });
      for (const each of [one, two]) await listening(each);
      const person = await one.people.insert(makePerson());
      await isKept(two, person);
      await replicate(second, first);
      // From here on it hears nothing of the first, such as the change of the person.
      await promote(second);
      const written = await one.people.update({ ...person, name: 'later' });
      // The counts are back where they were, the old answer stands there again, and no connection was cut.
      await replicate(first, second);
      if (isAsked) {
        expect(await two.people.getById(person.id)).to.deep.equal(written);
        expect(two.redis.stats().isUp, 'a replica is asked').to.equal(false);
      }
      await promote(first);
      expect(await two.people.getById(person.id), 'by the first again').to.deep.equal(written);
      await until(() => two.redis.stats().isUp);
      await isKept(two, person);
      expect(await two.people.getById(person.id)).to.deep.equal(written);
      await one.close();
      await two.close();
    });
  }
});
