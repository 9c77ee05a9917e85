import { expect } from 'chai';
import { makeTestDatabase } from '../../../support/database.ts';
import { clearPrefix, describeOnRedis, freshPrefix, sharedRedisUrl } from '../../../support/redis-server.ts';
import { until } from '../../../support/until.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared, settled, type SharedDatabase } from './redis-fixture.ts';

describeOnRedis('processes with other groups share a server', () => {
  const database = makeTestDatabase('sqlite-file');
  const prefix = freshPrefix();

  afterEach(() => clearPrefix(prefix));
  after(() => database.cleanup());

  it('and nothing old stays there when one of them writes', async () => {
    const url = await database.freshUrl();
    const terms = { groups: ['name'] };
    const one = await openShared(url, sharedRedisUrl, { prefix, terms });
    const alike = await openShared(url, sharedRedisUrl, { prefix, terms, isNew: false });
    const other = await openShared(url, sharedRedisUrl, { prefix, isNew: false });
    const all = [one, alike, other];
    for (const each of all) await listening(each);
    const name = 'Ada';
    const count = async ({ people }: SharedDatabase) => (await people.findMany({ name })).length;
    expect(await count(one)).to.equal(0);
    await settled(one.redis);
    await other.people.insert(makePerson({ name }));
    await until(async () => (await count(one)) === 1);
    // What stands on the server alone.
    await until(async () => (await count(alike)) === 1);
    for (const each of all) await each.close();
  });
});
