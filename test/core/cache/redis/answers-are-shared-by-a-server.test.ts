import { expect } from 'chai';
import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { createClient } from 'redis';
import { cached, redisClient, type RedisStore } from '../../../../src/core/cache/index.ts';
import { ValidationError } from '../../../../src/core/index.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import {
  clearPrefix,
  describeOnRedis,
  freshPrefix,
  sharedRedisUrl,
  withRedis,
} from '../../../support/redis-server.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { makePerson, peopleOf } from '../cached-fixture.ts';
import { gateReads } from '../gated-reads.ts';
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

describeOnRedis('whoever joins a load that began without the server', () => {
  it('leaves no lock there', async () => {
    const database = makeTestDatabase('sqlite-file');
    const prefix = freshPrefix();
    const proxy = await TcpProxy.listen(sharedRedisUrl);
    proxy.fallSilent();
    const bus = (_: unknown, follows: RedisStore) => ({
      start: (listener: { onGap(): void }) => listener.onGap(),
      follows,
      close: async () => {},
    });
    const opened = await openShared(await database.freshUrl(), proxy.urlOf(sharedRedisUrl), {
      prefix,
      bus,
      isTiered: false,
    });
    const person = await opened.people.insert(makePerson());
    const gated = gateReads(opened.provider);
    const people = cached(peopleOf(gated.provider), { cache: opened.cache });
    const letGo = gated.close();
    const first = people.getById(person.id);
    proxy.heal();
    await until(() => opened.redis.stats().isUp && opened.redis.stats().unconfirmed === 0);
    const locks = () => withRedis(sharedRedisUrl, (client) => client.keys(`${prefix}:*:lock`));
    const second = people.getById(person.id);
    await until(async () => (await locks()).length === 1);
    letGo();
    expect(await Promise.all([first, second])).to.deep.equal([person, person]);
    expect(gated.sent, 'loads').to.equal(1);
    await settled(opened.redis);
    expect(await locks()).to.deep.equal([]);
    await opened.close();
    await proxy.close();
    await clearPrefix(prefix);
    await database.cleanup();
  });
});

describe('a client that is none is refused', () => {
  it('by its shape', () => {
    for (const client of [{}, { duplicate() {} }, new Redis.Cluster([], { lazyConnect: true })]) {
      expect(() => redisClient(client)).to.throw(ValidationError);
    }
    const own = { connect: () => ({}) as never };
    expect(redisClient(own)).to.equal(own);
  });
});
