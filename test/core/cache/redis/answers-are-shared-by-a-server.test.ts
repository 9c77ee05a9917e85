import { expect } from 'chai';
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { redisClient } from '../../../../src/core/cache/index.ts';
import { ValidationError } from '../../../../src/core/index.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import { clearPrefix, describeOnRedis, freshPrefix, sharedRedisUrl } from '../../../support/redis-server.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared, settled } from './redis-fixture.ts';

/** The clients that are in use: none of them is connected, since they are the pattern alone. */
const clients = {
  ioredis: () => new Redis(sharedRedisUrl, { lazyConnect: true, keyPrefix: 'not-ours:' }),
  redis: () => createClient({ url: sharedRedisUrl }),
  iovalkey: () => new Valkey(sharedRedisUrl, { lazyConnect: true }),
};

for (const [name, makeClient] of Object.entries(clients)) {
  describeOnRedis(`answers are shared by a server, with ${name}`, () => {
    const database = makeTestDatabase('sqlite-file');
    let prefix: string;

    beforeEach(() => {
      prefix = freshPrefix();
    });

    afterEach(() => clearPrefix(prefix));
    after(() => database.cleanup());

    it('what one process has read, another need not read again', async () => {
      const url = await database.freshUrl();
      const one = await openShared(url, makeClient(), { prefix });
      const two = await openShared(url, makeClient(), { prefix, isNew: false });
      await listening(one);
      await listening(two);
      const absent = crypto.randomUUID();
      const person = await one.people.insert(makePerson({ name: 'Zoë 🦊 \u0001' }));
      await one.people.findMany({ name: { gte: '' } }, { orderBy: 'email' });
      await one.people.page({}, { limit: 1 });
      expect(await one.people.count({})).to.equal(1);
      expect(await one.people.exists({ id: absent })).to.equal(false);
      expect(await one.people.getById(person.id)).to.deep.equal(person);
      expect(await one.people.findById(absent)).to.equal(undefined);
      await settled(one.redis);
      two.sent();
      expect(await two.people.getById(person.id)).to.deep.equal(person);
      expect(await two.people.findById(absent)).to.equal(undefined);
      expect(await two.people.findMany({ name: { gte: '' } }, { orderBy: 'email' })).to.deep.equal([person]);
      expect((await two.people.page({}, { limit: 1 })).items).to.deep.equal([person]);
      expect(await two.people.count({})).to.equal(1);
      expect(await two.people.exists({ id: absent })).to.equal(false);
      expect(two.sent(), 'statements of the other').to.equal(0);
      expect(await two.cache.explain('people', person.id)).to.include({ answer: 'hit', tier: 'memory' });
      await one.close();
      await two.close();
    });
  });
}

describe('a client that is none is refused', () => {
  it('by its shape', () => {
    for (const client of [{}, { duplicate() {} }, new Redis.Cluster([], { lazyConnect: true })]) {
      expect(() => redisClient(client)).to.throw(ValidationError);
    }
    const own = { connect: () => ({}) as never };
    expect(redisClient(own)).to.equal(own);
  });
});
