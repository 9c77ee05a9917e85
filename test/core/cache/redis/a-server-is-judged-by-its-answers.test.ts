import { expect } from 'chai';
import { redisClient, type RedisClient, type RedisStore } from '../../../../src/core/cache/index.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis, withRedis } from '../../../support/redis-server.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { delayed } from '../../../support/toxics.ts';
import { until } from '../../../support/until.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, makeClient, openShared, settled, type SharedOptions } from './redis-fixture.ts';

describeOnOwnRedis('a server is judged by its answers', () => {
  const database = makeTestDatabase('sqlite-file');
  let server: OwnRedis;
  let proxy: TcpProxy;

  before(async () => {
    server = await OwnRedis.start();
    proxy = await TcpProxy.listen(server.url);
  });

  afterEach(() => proxy.heal());

  after(async () => {
    await proxy.close();
    await server.kill();
    await database.cleanup();
  });

  const open = async (options: Partial<SharedOptions> = {}, client: string | object = server.url) => {
    const opened = await openShared(await database.freshUrl(), client, {
      prefix: freshPrefix(),
      isTiered: false,
      ...options,
    });
    await listening(opened);
    return opened;
  };

  it('one that is slow is given up once, and asked no more until it is quick', async () => {
    let connections = 0;
    const client = redisClient(makeClient(proxy.urlOf(server.url)));
    const counted: RedisClient = {
      connect(onEnd) {
        connections += 1;
        return client.connect(onEnd);
      },
    };
    const bus = (_: unknown, follows: RedisStore) => ({
      start: (listener: { onGap(): void }) => listener.onGap(),
      follows,
      close: async () => {},
    });
    const one = await open({ bus, store: { timeLimit: 50 } }, counted);
    const person = await one.people.insert(makePerson());
    proxy.infect('toClient', delayed(150));
    const before = connections;
    await until(async () => {
      expect(await one.people.getById(person.id)).to.deep.equal(person);
      return connections >= before + 4;
    });
    expect(one.redis.stats().downs).to.equal(1);
    proxy.heal();
    await until(() => one.redis.stats().isUp);
    await one.close();
  });

  it('a pause of this process is none of the server', async () => {
    const one = await open({ store: { timeLimit: 50 } });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    const { downs, hits } = one.redis.stats();
    // It knows no script any more: two questions, and the second one can be sent behind the pause alone.
    await withRedis(server.url, (client) => client.script('FLUSH'));
    const found = one.people.getById(person.id);
    const end = performance.now() + 150;
    while (performance.now() < end);
    expect(await found).to.deep.equal(person);
    expect(one.redis.stats()).to.include({ downs, hits: hits + 1 });
    await one.close();
  });

  it('a question with more tags than a script can take harms no other', async () => {
    const ids = Array.from({ length: 20_000 }, () => crypto.randomUUID());
    const tags = ({ filter }: { readonly filter?: object }) =>
      (filter as { readonly id?: { readonly in?: readonly string[] } })?.id?.in ?? [];
    const one = await open({ terms: { tags } });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    expect(await one.people.findMany({ id: { in: [person.id, ...ids] } })).to.deep.equal([person]);
    one.sent();
    expect(await one.people.getById(person.id)).to.deep.equal(person);
    expect(one.sent(), 'statements').to.equal(0);
    expect(one.redis.stats()).to.include({ downs: 0, isUp: true });
    await one.close();
  });
});
