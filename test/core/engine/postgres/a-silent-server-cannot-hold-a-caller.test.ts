/**
 * Faults of the network, made by a proxy. Time is a clock that moves when it is told to: no limit passes because the
 * machine is busy, and the limits that the server and the driver keep by themselves are far away.
 */
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  PoolClosedError,
  prepare,
  type DatabaseProvider,
  type Param,
} from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { holdingBack } from '../../../support/toxics.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

/** How far the end of a limit may be off, in ms: the server has a little longer, and the clock moves in steps. */
const slack = 60;

describeOnPostgres('a silent server cannot hold a caller', (postgres) => {
  const proxies: TcpProxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

  async function openThroughProxy(settings: object = {}) {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const clock = new FakeClock();
    const provider = await postgres.openWithItems({ url: proxy.urlOf(url), ...settings }, { clock });
    return { proxy, provider, url, clock };
  }

  it('while it connects: the deadline of acquiring is kept', async () => {
    const { proxy, provider, clock } = await openThroughProxy({ pool: { acquireTimeout: 20_000, max: 2 } });
    proxy.fallSilent();
    const busy = rejectionOf(provider.transaction((tx) => tx.selectFrom('items').selectAll().execute()));
    await until(() => provider.stats().busy === 1);
    const outcome = rejectionOf(ask(provider));
    expect(await clock.runUntil(outcome)).to.be.within(20_000, 20_000 + slack);
    const error = await outcome;
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error as Error).message).to.contain('20000 ms');
    await clock.runUntil(provider.close({ deadline: 0 }));
    await busy;
  });

  it('while it connects: callers in the line behind are served within their own deadlines', async () => {
    const { proxy, provider, clock } = await openThroughProxy({ pool: { acquireTimeout: 20_000, max: 1 } });
    await loseConnections(proxy, provider);
    proxy.fallSilent();
    const outcomes = Promise.all(Array.from({ length: 5 }, () => rejectionOf(ask(provider))));
    expect(await clock.runUntil(outcomes)).to.be.within(20_000, 20_000 + slack);
    expect(provider.stats()).to.include({ waiting: 0 });
  });

  for (const when of ['before it stands', 'when it stands']) {
    it(`while it connects: a connection that comes too late serves the next caller, who comes ${when}`, async () => {
      const pool = { acquireTimeout: 20_000, max: 1 };
      const { proxy, provider, clock } = await openThroughProxy({ pool });
      await loseConnections(proxy, provider);
      const { created } = provider.stats();
      proxy.fallSilent();
      const outcome = rejectionOf(ask(provider));
      await clock.runUntil(outcome);
      expect(await outcome).to.be.instanceOf(ConnectionError);
      proxy.speakAgain();
      if (when === 'when it stands') await until(() => provider.stats().idle === 1);
      expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
      expect(provider.stats()).to.include({ created: created + 1, busy: 0 });
      expect(proxy.lines).to.equal(1);
    });
  }

  it('while a statement runs: its limit is kept, and the connection is not lent again', async () => {
    const { proxy, provider, clock } = await openThroughProxy({ statementTimeout: 20_000, pool: { max: 1 } });
    proxy.fallSilent();
    const outcome = rejectionOf(ask(provider));
    expect(await clock.runUntil(outcome)).to.be.within(20_000, 20_000 + slack);
    expect(await outcome).to.be.instanceOf(ConnectionError);
    await until(() => provider.stats().retired === 1);
    expect(provider.stats()).to.include({ size: 0 });
  });

  it('at COMMIT, where the reply is lost: the server is asked, and the work counts as done', async () => {
    const { proxy, provider, url } = await openThroughProxy({ pool: { max: 1 } });
    await provider.transaction(async (tx) => {
      await tx.insertInto('items').values({ id: 1, name: 'committed' }).execute();
      proxy.cutReplyTo('commit');
    });
    expect(await postgres.askServer(url, 'select name from items')).to.deep.equal([{ name: 'committed' }]);
    expect(provider.stats()).to.include({ busy: 0 });
  });

  it('at COMMIT, where asking for it takes too long as well: for no longer than a connection is waited for', async () => {
    const { proxy, provider, clock } = await openThroughProxy({
      statementTimeout: 20_000,
      pool: { max: 1, acquireTimeout: 20_000 },
    });
    const question = holdingBack();
    const outcome = rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: 'unknown' }).execute();
        proxy.cutReplyTo('commit');
        proxy.infect('toClient', question.maker);
      }),
    );
    // The line of the question stands when most of the time is gone, and the answer comes never.
    await question.hasBegun;
    clock.advance(15_000);
    question.letConnect();
    await question.isSilent;
    expect(await clock.runUntil(outcome)).to.be.within(4_500, 5_000 + slack);
    expect(await outcome).to.be.instanceOf(CommitOutcomeUnknownError);
  });

  it('at a read that is sent again: all tries together keep the time that one has', async () => {
    const { proxy, provider, clock } = await openThroughProxy({
      statementTimeout: 20_000,
      pool: { max: 1, acquireTimeout: 4_000 },
    });
    proxy.fallSilent();
    const outcome = rejectionOf(provider.query('select 1'));
    // The looks for the server between the tries may go on for longer, and so may another try.
    expect(await clock.runUntil(outcome)).to.be.within(20_000, 24_000 + slack);
    expect(await outcome).to.be.instanceOf(ConnectionError);
  });

  it('at inserts that wait for others of their text: each keeps its own time', async () => {
    const { proxy, provider, clock } = await openThroughProxy({
      statementTimeout: 20_000,
      pool: { max: 2, acquireTimeout: 5_000, maxWaiting: 1_000 },
    });
    const insert = prepare(provider, (db, param: Param<{ id: number }>) =>
      db.insertInto('items').values({ id: param('id'), name: null }),
    );
    await Promise.all([0, 1, 2].map((id) => insert.execute({ id })));
    proxy.fallSilent();
    const outcomes = Promise.all(
      Array.from({ length: 500 }, (_, id) => rejectionOf(insert.execute({ id: id + 10 }))),
    );
    expect(await clock.runUntil(outcomes)).to.be.within(20_000, 25_000 + slack);
  });

  it('at a statement, where the reply is lost: ConnectionError, and the pool recovers', async () => {
    const { proxy, provider } = await openThroughProxy({ pool: { max: 1 } });
    proxy.cutReplyTo('a canary');
    const error = await rejectionOf(sql`select ${'a canary'}`.execute(provider.db));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(JSON.stringify([error, (error as Error).message])).not.to.contain('canary');
    proxy.cutReplyTo('nothing that is said');
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  it('at close: the deadline is kept, whoever is cut off hears of it, and late comers are turned away', async () => {
    const { proxy, provider, clock } = await openThroughProxy({ pool: { max: 3, acquireTimeout: 20_000 } });
    await Promise.all([ask(provider), ask(provider)]);
    proxy.fallSilent();
    const cutOff = rejectionOf(ask(provider));
    const connecting = Promise.all([rejectionOf(ask(provider)), rejectionOf(ask(provider))]);
    const closed = Promise.all([provider.close({ deadline: 10_000 }), provider.close({ deadline: 60_000 })]);
    expect(await clock.runUntil(cutOff)).to.be.within(10_000, 10_000 + slack);
    // No more time passes until it is closed.
    await closed;
    expect(await cutOff).to.be.instanceOf(ConnectionError);
    for (const error of await connecting) {
      expect(error).to.satisfy(
        (thrown: unknown) => thrown instanceof ConnectionError || thrown instanceof PoolClosedError,
      );
    }
    expect(await rejectionOf(ask(provider))).to.be.instanceOf(PoolClosedError);
    expect(provider.stats()).to.include({ size: 0, busy: 0, waiting: 0 });
  });
});

/** By Kysely, since the provider sends a read again whose connection was lost. */
function ask({ db }: DatabaseProvider<Tables>): Promise<unknown> {
  return sql`select 1`.execute(db);
}

/** What is opened from now on is new. */
async function loseConnections(proxy: TcpProxy, provider: DatabaseProvider<Tables>): Promise<void> {
  proxy.cutLines();
  await until(() => provider.stats().size === 0);
}
