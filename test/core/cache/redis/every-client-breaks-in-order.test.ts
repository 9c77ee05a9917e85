import { Redis } from 'ioredis';
import { Redis as Valkey } from 'iovalkey';
import { expect } from 'chai';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import { redisClient } from '../../../../src/core/cache/index.ts';
import { ValidationError } from '../../../../src/core/index.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis, withRedis } from '../../../support/redis-server.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared, type SharedDatabase } from './redis-fixture.ts';

/** With settings of their applications that must not reach what the cache makes of them. */
const clients: Record<string, (url: string) => object> = {
  ioredis: (url) => new Redis(url, { lazyConnect: true, enableAutoPipelining: true, stringNumbers: true }),
  iovalkey: (url) => new Valkey(url, { lazyConnect: true, keyPrefix: 'not-ours:' }),
  'redis by RESP 3': (url) => createClient({ url, keyPrefix: 'not-ours:' }),
  'redis by RESP 2': (url) => createClient({ url, RESP: 2, pingInterval: 5 }),
};

for (const [name, makeClient] of Object.entries(clients)) {
  describeOnOwnRedis(`every client breaks in order: ${name}`, () => {
    const database = makeTestDatabase('sqlite-file');
    let server: OwnRedis;
    let proxy: TcpProxy;
    let one: SharedDatabase;
    let direct: SharedDatabase;

    before(async () => {
      server = await OwnRedis.start();
      proxy = await TcpProxy.listen(server.url);
    });

    beforeEach(async () => {
      const url = await database.freshUrl();
      const prefix = freshPrefix();
      const store = { timeLimit: 100, heartbeat: 50 };
      one = await openShared(url, makeClient(proxy.urlOf(server.url)), { prefix, store });
      direct = await openShared(url, makeClient(server.url), { prefix, isNew: false });
      for (const each of [one, direct]) await listening(each);
    });

    afterEach(async () => {
      proxy.heal();
      await one.close();
      await direct.close();
    });

    after(async () => {
      await proxy.close();
      await server.kill();
      await database.cleanup();
    });

    it('with the server, and is there with it again', async () => {
      const faults: Record<string, readonly [begin: () => unknown, end: () => unknown]> = {
        'a kill': [() => server.kill(), () => server.start()],
        'a stop': [() => server.pause(), () => server.resume()],
        'a black hole': [() => proxy.fallSilent(), () => proxy.heal()],
        'lines that are forgotten': [() => proxy.forgetLines(), () => {}],
        'lines that are cut': [() => proxy.cutLines(), () => {}],
        'CLIENT KILL': [
          () => withRedis(server.url, (client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal')),
          () => {},
        ],
      };
      let person = await one.people.insert(makePerson());
      for (const [what, [begin, end]] of Object.entries(faults)) {
        const { downs } = one.redis.stats();
        await begin();
        await until(async () => {
          person = await one.people.update({ ...person, name: what });
          expect(await one.people.getById(person.id), what).to.deep.equal(person);
          return one.redis.stats().downs > downs;
        });
        await end();
        await listening(one);
        await until(() => one.redis.stats().isUp && one.redis.stats().unconfirmed === 0);
        await until(async () => (await direct.people.getById(person.id)).version === person.version);
      }
      expect(await withRedis(server.url, (client) => client.keys('not-ours:*'))).to.deep.equal([]);
    });

    it('where its messages alone are missed', async () => {
      let person = await one.people.insert(makePerson());
      await one.people.getById(person.id);
      await withRedis(server.url, (client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
      person = await direct.people.update({ ...person, name: 'later' });
      await until(async () => (await one.people.getById(person.id)).version === person.version);
      await listening(one);
    });

    it('and leaves nothing behind where it is closed, whatever it does', async () => {
      const lines = () =>
        withRedis(server.url, async (client) =>
          String(await client.call('CLIENT', 'LIST'))
            .split('\n')
            .filter((line) => line.includes(' ')),
        );
      await one.close();
      await direct.close();
      await until(async () => (await lines()).length === 1);
      const open = () =>
        process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket')).length;
      const before = open();
      proxy.fallSilent();
      const url = await database.freshUrl();
      const connecting = await openShared(url, makeClient(proxy.urlOf(server.url)), {
        prefix: freshPrefix(),
      });
      await until(() => proxy.lines > 0);
      const person = await connecting.people.insert(makePerson());
      expect(await connecting.people.getById(person.id)).to.deep.equal(person);
      await connecting.close();
      proxy.heal();
      await until(() => open() <= before);
    });
  });
}

describe('no client goes over to another server by itself', () => {
  it('as node-redis does where the server asks for it', () => {
    const pattern = createClient({ url: 'redis://127.0.0.1:1' });
    const duplicate = pattern.duplicate.bind(pattern);
    let asked: object = {};
    pattern.duplicate = ((options: object) => duplicate((asked = options))) as never;
    const connection = redisClient(pattern).connect(() => {});
    connection.ready.catch(() => {});
    connection.close();
    expect(asked).to.include({ maintNotifications: 'disabled', disableOfflineQueue: true });
  });
});

describe('a client for several servers is refused', () => {
  it('of node-redis as well', () => {
    const others = [
      createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] }),
      createClientPool({}),
      createSentinel({ name: 'primary', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }),
    ];
    for (const client of others) expect(() => redisClient(client)).to.throw(ValidationError);
    expect(redisClient(createClient({}))).to.have.property('connect');
  });
});
