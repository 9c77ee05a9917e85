import { expect } from 'chai';
import { redisClient, type RedisConnection } from '../../../../src/core/cache/redis/redis-client.ts';
import { redisScripts, runScript } from '../../../../src/core/cache/redis/redis-script.ts';
import { describeOnOwnRedis, freshPrefix, OwnRedis, withRedis } from '../../../support/redis-server.ts';
import { until } from '../../../support/until.ts';
import { makeClient } from './redis-fixture.ts';

interface Fence {
  readonly incarnation: string;
  readonly sum: string;
}

interface Reply {
  readonly fence: Fence;
  readonly payload?: string;
  readonly left?: number;
  readonly isPoisoned?: boolean;
}

/** The scripts by themselves, so that nothing in this process decides for them. */
describeOnOwnRedis('a late answer is refused by the server', () => {
  const slots = '0 7 8';
  let server: OwnRedis;
  let connection: RedisConnection;
  let prefix: string;

  before(async () => {
    server = await OwnRedis.start();
    connection = redisClient(makeClient(server.url)).connect(() => {});
    await connection.ready;
  });

  beforeEach(() => {
    prefix = freshPrefix();
  });

  after(async () => {
    connection.close();
    await server.kill();
  });

  const keys = () => [`${prefix}:stamps`, `${prefix}:entry`, `${prefix}:entry:lock`];
  const argsOfRead = () => [crypto.randomUUID(), slots, '1024', '', '5000'];
  /** What the server says: the stamps, and what it has. */
  const replyOf = (reply: unknown): Reply => {
    const [isFound, incarnation, sum, payload, last] = reply as readonly unknown[];
    const fence = { incarnation, sum } as Fence;
    return isFound === 1
      ? { fence, payload: String(payload), left: Number(last) }
      : { fence, isPoisoned: last === 1 };
  };
  const read = async () => replyOf(await runScript(connection, 'read', keys(), argsOfRead()));
  const fenceOf = async () => (await read()).fence;
  const store = (
    { incarnation, sum }: Fence,
    payload: string,
    { left = 60_000, last = Date.now() + 600_000 } = {},
  ) => runScript(connection, 'store', keys(), [incarnation, slots, sum, payload, `${left}`, `${last}`, '']);
  const move = (slot: number) =>
    runScript(connection, 'move', keys().slice(0, 1), [`${prefix}:moves`, 'nobody 1', `${slot}`]);

  it('and takes nothing from the one that is there', async () => {
    for (const slot of [7, 8, 0]) {
      const late = await fenceOf();
      await move(slot);
      expect(await store(late, 'old'), 'before anybody has asked').to.equal(0);
      const now = await fenceOf();
      expect(await store(now, 'new')).to.equal(1);
      expect(await store(late, 'old'), `behind a move of ${slot}`).to.equal(0);
      expect(await read()).to.include({ payload: 'new' });
    }
    const current = await fenceOf();
    await move(9);
    expect(await store(current, 'another slot')).to.equal(1);
  });

  it('where its time is over, however long it has been on its way', async () => {
    const fence = await fenceOf();
    expect(await store(fence, 'too late', { last: Date.now() - 1 })).to.equal(0);
    expect(await read()).not.to.have.property('payload');
    expect(await store(fence, 'late', { last: Date.now() + 30_000 })).to.equal(1);
    expect((await read()).left).to.be.within(1, 30_000);
    expect(await store(fence, 'in time', { left: 20_000 })).to.equal(1);
    expect((await read()).left).to.be.within(1, 20_000);
  });

  it('where the stamps were lost in between', async () => {
    for (const lose of ['del', 'flushall'] as const) {
      const late = await fenceOf();
      await withRedis<unknown>(server.url, (client) =>
        lose === 'del' ? client.del(keys()[0]!) : client.flushall(),
      );
      expect(await store(late, 'old'), 'before anybody has asked').to.equal(0);
      expect(await fenceOf()).to.not.deep.equal(late);
      expect(await store(late, 'old'), lose).to.equal(0);
    }
  });

  it('where the counts are damaged, and too large to be told apart', async () => {
    const large = { 7: '8000000000000000', 8: '8000000000000000' };
    await fenceOf();
    await withRedis(server.url, (client) => client.hset(keys()[0]!, large));
    const late = await fenceOf();
    await move(7);
    expect(await fenceOf()).to.not.deep.equal(late);
    expect(await store(late, 'old')).to.equal(0);
  });

  it('where another server was the primary in between', async () => {
    const late = await fenceOf();
    const other = await OwnRedis.start(['--repl-diskless-sync-delay', '0']);
    try {
      await withRedis(server.url, async (client) => {
        await client.replicaof('127.0.0.1', other.port);
        for (const work of [fenceOf, () => store(late, 'old'), () => move(7)]) {
          expect(await work().then(String, messageOf)).to.match(/^READONLY/);
        }
        await until(async () => (await client.info('replication')).includes('master_link_status:up'));
        // A replica that may be written to is none to trust either.
        await client.config('SET', 'replica-read-only', 'no');
        expect(await move(7).then(String, messageOf)).to.match(/^READONLY/);
        await client.replicaof('NO', 'ONE');
      });
      // All is as it was, but for the name of what has happened here.
      await withRedis(server.url, (client) => client.hset(keys()[0]!, 'i', late.incarnation));
      expect(await store(late, 'old')).to.equal(0);
      expect(await fenceOf()).to.not.deep.equal(late);
    } finally {
      await other.kill();
    }
  });

  it('and one in its last millisecond is a miss, and no poison', async () => {
    // Time stands still in a script: the entry is there, and nothing is left of its life.
    const ending = `
      local now = redis.call('TIME')
      local at = now[1] * 1000 + math.floor(now[2] / 1000)
      redis.call('SET', KEYS[2], redis.call('GET', KEYS[2]), 'PXAT', string.format('%.0f', at))
    `;
    const args = () => [`${keys().length}`, ...keys(), ...argsOfRead()];
    await store(await fenceOf(), 'payload');
    let reply: Reply;
    do {
      // Where a millisecond has begun since the script did, it is still left.
      reply = replyOf(await connection.call('EVAL', [`${ending}${redisScripts.read}`, ...args()]));
      if (reply.left !== undefined) await store(reply.fence, 'payload');
    } while (reply.left !== undefined);
    expect(reply.isPoisoned).to.equal(false);
    await store(reply.fence, 'payload');
    await withRedis(server.url, (client) => client.persist(keys()[1]!));
    expect((await read()).isPoisoned, 'one that has no end is one').to.equal(true);
  });
});

function messageOf(error: unknown): string {
  return (error as Error).message;
}
