import { expect } from 'chai';
import { makeTestDatabase } from '../../../support/database.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { recordingLogger } from '../../../support/recording-logger.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis } from '../../../support/redis-server.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { makePerson } from '../cached-fixture.ts';
import { listening, openShared, settled } from './redis-fixture.ts';

describeOnOwnRedis('a cache ends in order', () => {
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

  /** One whose server breaks under a change, and which is not to try again by itself; and another one. */
  const openTwo = async () => {
    const prefix = freshPrefix();
    const url = await database.freshUrl();
    const logger = recordingLogger();
    const one = await openShared(url, proxy.urlOf(server.url), {
      prefix,
      isTiered: false,
      bus: null,
      store: { clock: new FakeClock() },
      cache: { logger },
    });
    const two = await openShared(url, server.url, { prefix, isNew: false, isTiered: false, bus: null });
    await listening(one);
    await listening(two);
    const person = await one.people.insert(makePerson());
    expect(await two.people.getById(person.id)).to.deep.equal(person);
    await settled(two.redis);
    proxy.cutLines();
    await until(() => !one.redis.stats().isUp);
    const changed = await one.people.update({ ...person, name: 'new' });
    expect(one.redis.stats().unconfirmed).to.be.greaterThan(0);
    expect(await two.people.getById(person.id), 'what nobody has told').to.deep.equal(person);
    const closeAll = async () => {
      await one.close();
      await two.close();
    };
    return { one, two, changed, logger, closeAll };
  };
  const warning =
    'a cache was closed before its server had confirmed all changes: others may be given what is older';

  it('it tells its server once more of what that has not confirmed', async () => {
    const { one, two, changed, logger, closeAll } = await openTwo();
    await one.cache.close();
    expect(await two.people.getById(changed.id)).to.deep.equal(changed);
    expect(logger.lines.map(({ message }) => message)).not.to.include(warning);
    await closeAll();
  });

  it('and says so where it cannot', async () => {
    const { one, logger, closeAll } = await openTwo();
    await proxy.close();
    await one.cache.close();
    expect(logger.lines.map(({ message }) => message)).to.include(warning);
    expect(one.redis.stats().unconfirmed).to.be.greaterThan(0);
    await closeAll();
    proxy = await TcpProxy.listen(server.url);
  });
});
