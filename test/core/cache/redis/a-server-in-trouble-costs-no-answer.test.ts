import { expect } from 'chai';
import { cached, type RedisStore } from '../../../../src/core/cache/index.ts';
import { makeTestDatabase } from '../../../support/database.ts';
import { isSoak } from '../../../support/engines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis, withRedis } from '../../../support/redis-server.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { makePerson, peopleOf, type Person } from '../cached-fixture.ts';
import { gateReads } from '../gated-reads.ts';
import { listening, openShared, settled, type SharedDatabase, type SharedOptions } from './redis-fixture.ts';

describeOnOwnRedis('a server in trouble costs no answer', () => {
  const database = makeTestDatabase('sqlite-file');
  let server: OwnRedis;
  let proxy: TcpProxy;
  let url: string;
  let prefix: string;
  let opened: SharedDatabase[] = [];

  before(async () => {
    server = await OwnRedis.start();
    proxy = await TcpProxy.listen(server.url);
  });

  beforeEach(async () => {
    url = await database.freshUrl();
    prefix = freshPrefix();
  });

  afterEach(async () => {
    for (const each of opened) await each.close();
    opened = [];
    proxy.heal();
  });

  after(async () => {
    await proxy.close();
    await server.kill();
    await database.cleanup();
  });

  const open = async (options: Partial<SharedOptions> = {}) => {
    const one = await openShared(url, proxy.urlOf(server.url), {
      prefix,
      isNew: opened.length === 0,
      ...options,
    });
    opened.push(one);
    await listening(one);
    return one;
  };
  const redis = <Result>(work: Parameters<typeof withRedis<Result>>[1]) => withRedis(server.url, work);

  /**
   * Writes and reads by itself, and holds each read against what was committed before it began.
   *
   * @returns the longest times that two reads and a write took, in ms
   */
  const check = async (
    { people, plainPeople }: SharedDatabase,
    { id }: Person,
    rounds = 8,
  ): Promise<Times> => {
    let longest = 0;
    let slowest = 0;
    for (let round = 0; round < rounds; round += 1) {
      const next = await plainPeople.getById(id);
      const begin = performance.now();
      const written = await people.update({ ...next, name: `round ${round}` });
      slowest = Math.max(slowest, performance.now() - begin);
      for (let read = 0; read < 4; read += 1) {
        const start = performance.now();
        const found = await people.getById(id);
        const [listed] = await people.findMany({ email: written.email });
        longest = Math.max(longest, performance.now() - start);
        expect(found).to.deep.equal(written);
        expect(listed).to.deep.equal(written);
      }
    }
    return { longest, slowest };
  };
  const tell = (what: string, { longest, slowest }: Times) =>
    isSoak &&
    console.log(
      `      ${what}: two reads ${longest.toFixed(1)} ms at most, a write ${slowest.toFixed(1)} ms`,
    );

  /** The server gives answers again. */
  const comesBack = async (one: SharedDatabase, { id }: Person) => {
    await until(() => one.redis.stats().isUp && one.redis.stats().unconfirmed === 0);
    const { hits } = one.redis.stats();
    await until(async () => {
      await one.people.getById(id);
      await settled(one.redis);
      await one.people.findMany({ email: id });
      return one.redis.stats().hits > hits;
    });
  };

  for (const isTiered of [true, false]) {
    const kind = isTiered ? 'behind a memory' : 'alone';

    it(`${kind}: dead, and restarted empty`, async () => {
      const one = await open({ isTiered, store: { timeLimit: 50 } });
      const person = await one.people.insert(makePerson());
      await check(one, person);
      await server.kill();
      tell(`dead, ${kind}`, await check(one, person));
      await server.start();
      await until(() => one.redis.stats().isUp);
      await check(one, person);
      const two = await open({ isTiered: false });
      await two.people.getById(person.id);
      await settled(two.redis);
      await comesBack(two, person);
      expect(one.events.map(({ type }) => type)).to.include.members([
        'down',
        'unconfirmed',
        'up',
        'confirmed',
      ]);
    });

    it(`${kind}: stopped`, async () => {
      const one = await open({ isTiered, store: { timeLimit: 50 } });
      const person = await one.people.insert(makePerson());
      server.pause();
      tell(`stopped, ${kind}`, await check(one, person));
      server.resume();
      await until(() => one.redis.stats().isUp);
      await check(one, person);
    });

    it(`${kind}: in a black hole`, async () => {
      const one = await open({ isTiered, store: { timeLimit: 50 } });
      const person = await one.people.insert(makePerson());
      proxy.fallSilent();
      tell(`black hole, ${kind}`, await check(one, person));
      proxy.heal();
      await until(() => one.redis.stats().isUp);
      await check(one, person);
    });
  }

  it('restarted with what it had saved long ago', async () => {
    const one = await open({ isTiered: false });
    const two = await open({ isTiered: false });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    two.sent();
    expect(await two.people.getById(person.id)).to.deep.equal(person);
    expect(two.sent(), 'statements').to.equal(0);
    await redis((client) => client.save());
    const written = await one.people.update({ ...person, name: 'later' });
    await server.kill();
    await server.start();
    expect(await redis((client) => client.keys(`${prefix}:people:*`))).to.have.length.greaterThan(0);
    await until(() => two.redis.stats().isUp);
    expect(await two.people.getById(person.id)).to.deep.equal(written);
    await redis((client) => client.flushall());
    await redis((client) => client.save());
  });

  it('without memory left, where nothing is evicted', async () => {
    const one = await open();
    const two = await open({ isTiered: false });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    expect(await two.people.getById(person.id)).to.deep.equal(person);
    await redis((client) => client.config('SET', 'maxmemory', '1'));
    try {
      const written = await one.people.update({ ...person, name: 'later' });
      expect(one.redis.stats().unconfirmed, 'confirmed all the same').to.equal(0);
      expect(await two.people.getById(person.id)).to.deep.equal(written);
      await check(one, person);
      await check(two, person);
      expect(one.redis.stats().downs + two.redis.stats().downs).to.equal(0);
    } finally {
      await redis((client) => client.config('SET', 'maxmemory', '0'));
    }
    await comesBack(two, person);
  });

  it('that evicts the stamps', async () => {
    const one = await open();
    const two = await open({ isTiered: false });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    await redis((client) => client.del(`${prefix}:stamps`));
    // The counts begin anew, and would soon be what they were.
    const written = await one.people.update({ ...person, name: 'later' });
    expect(await two.people.getById(person.id)).to.deep.equal(written);
    await redis((client) => client.set(`${prefix}:stamps`, 'no hash'));
    await check(two, person);
    await redis((client) =>
      client.hset(
        `${prefix}:stamps`,
        Object.fromEntries(Array.from({ length: 65_536 }, (_, slot) => [slot, 'x'])),
      ),
    );
    await check(two, person);
    await redis((client) => client.hset(`${prefix}:stamps`, 'i', 'x'.repeat(2 ** 20)));
    await check(two, person);
    await comesBack(two, person);
  });

  it('whose messages are missed', async () => {
    const one = await open({ store: { heartbeat: 50, timeLimit: 1_000 } });
    const direct = await openShared(url, server.url, { prefix, isNew: false });
    opened.push(direct);
    await listening(direct);
    let person = await one.people.insert(makePerson());
    const write = async () => {
      person = await direct.people.update({
        ...(await direct.plainPeople.getById(person.id)),
        name: 'later',
      });
    };
    const isHeard = () => until(async () => (await one.people.getById(person.id)).version === person.version);
    await one.people.getById(person.id);
    await write();
    await isHeard();
    await redis((client) => client.call('CLIENT', 'KILL', 'TYPE', 'pubsub'));
    await write();
    await isHeard();
    await listening(one);
    await one.people.getById(person.id);
    // Nobody says that the line is gone: only what it should have said itself does not come.
    proxy.forgetLines();
    await write();
    await isHeard();
    await listening(one);
    await isHeard();
  });

  it('whose entries are poisoned', async function () {
    this.timeout(60_000);
    const one = await open();
    const two = await open({ isTiered: false, store: { lock: false, timeLimit: 1_000 } });
    const person = await one.people.insert(makePerson());
    await one.people.getById(person.id);
    await settled(one.redis);
    // Beside those of the ids that were asked for until it listened.
    const key = await redis(async (client) => {
      for (const each of await client.keys(`${prefix}:people:*`)) {
        if ((await client.get(each))!.includes(person.id)) return each;
      }
      return undefined;
    });
    const good = await redis((client) => client.getBuffer(key!));
    const head = good!.subarray(0, good!.indexOf('\n') + 1);
    const withHead = (payload: string | Buffer) => Buffer.concat([head, Buffer.from(payload)]);
    const poisons: Record<string, Buffer> = {
      'bad bytes': Buffer.from([0xff, 0xfe, 0, 1, 2]),
      'bad bytes inside': Buffer.concat([good!.subarray(0, -10), Buffer.from([0xff]), good!.subarray(-9)]),
      'bad bytes behind the header': withHead(Buffer.from([0xff, 0, 0x80])),
      'a wrong version': Buffer.from(good!.toString().replace('liminal1', 'liminal2')),
      __proto__: withHead('p0123456789abcdef{"__proto__":{"polluted":1}}'),
      'deep JSON': withHead(`p0123456789abcdef${'['.repeat(500_000)}`),
      '50 MB': Buffer.alloc(50 * 2 ** 20, 'x'),
      '50 MB behind the header': withHead(Buffer.alloc(50 * 2 ** 20, 'x')),
      nothing: head,
      'what is cut': good!.subarray(0, -1),
    };
    for (const [what, poison] of Object.entries(poisons)) {
      await redis((client) => client.set(key!, poison, 'PX', 50_000));
      const { poisoned } = two.redis.stats();
      two.sent();
      expect(await two.people.getById(person.id), what).to.deep.equal(person);
      expect(two.sent(), what).to.equal(1);
      expect(two.redis.stats().poisoned, what).to.equal(poisoned + 1);
      await settled(two.redis);
      expect(await two.people.getById(person.id), what).to.deep.equal(person);
      expect(two.sent(), `${what}: mended`).to.equal(0);
    }
    await redis((client) => client.persist(key!));
    expect(await two.people.getById(person.id)).to.deep.equal(person);
    await redis(async (client) => {
      await client.del(key!);
      await client.lpush(key!, 'no text');
    });
    expect(await two.people.getById(person.id)).to.deep.equal(person);
    expect(two.events.filter(({ type }) => type === 'poison')).to.deep.include({
      type: 'poison',
      region: 'people',
    });
    expect(two.redis.stats()).to.include({ poisoned: Object.keys(poisons).length + 2, downs: 0 });
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('an entry that it comes to late lives no longer than its age allows', async () => {
    const one = await open({ isTiered: false, bus: null, store: { clock: new FakeClock() } });
    const person = await one.people.insert(makePerson());
    await settled(one.redis);
    const gated = gateReads(one.provider);
    const people = cached(peopleOf(gated.provider), { cache: one.cache, ttl: 60_000, jitter: 0 });
    const letGo = gated.close();
    const loading = people.getById(person.id);
    await until(async () => (await redis((client) => client.keys(`${prefix}:*:lock`))).length === 1);
    const askedAt = Date.now();
    proxy.fallSilent('toServer');
    letGo();
    expect(await loading).to.deep.equal(person);
    await until(() => Date.now() - askedAt >= 200);
    proxy.speakAgain();
    await until(async () => (await redis((client) => client.keys(`${prefix}:*:lock`))).length === 0);
    const lives = await redis(async (client) => {
      const [key] = await client.keys(`${prefix}:people:*`);
      return client.pttl(key!);
    });
    expect(lives).to.be.within(1, 59_800);
  });

  it('the first question waits for its limit, and the next ones for nothing', async () => {
    const clock = new FakeClock();
    // Its bus would notice before; here somebody has to ask.
    const bus = (_: unknown, follows: RedisStore) => ({
      start: (listener: { onGap(): void }) => listener.onGap(),
      follows,
      close: async () => {},
    });
    const one = await open({ isTiered: false, bus, store: { clock, timeLimit: 50 } });
    const person = await one.people.insert(makePerson());
    proxy.fallSilent();
    one.sent();
    const first = one.people.getById(person.id);
    clock.advance(49);
    await turns();
    expect(one.sent(), 'statements before the limit').to.equal(0);
    clock.advance(1);
    expect(await first).to.deep.equal(person);
    const { pending } = clock;
    for (let round = 0; round < 10; round += 1) await one.people.getById(person.id);
    expect(one.redis.stats().skipped).to.be.at.least(10);
    expect(clock.pending, 'timers of those that came later').to.equal(pending);
    // A write waits no longer than that either, and what it touches is not read there until it is told.
    await one.people.update({ ...person, name: 'later' });
    expect(one.redis.stats().unconfirmed).to.be.greaterThan(0);
    proxy.heal();
    proxy.cutLines();
    await clock.runUntil(until(() => one.redis.stats().isUp && one.redis.stats().unconfirmed === 0));
    expect((await one.people.getById(person.id)).name).to.equal('later');
  });
});

interface Times {
  readonly longest: number;
  readonly slowest: number;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
