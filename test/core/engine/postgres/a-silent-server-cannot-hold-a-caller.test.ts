/** Faults of the network, made by a proxy. Times are upper bounds with room for a busy machine. */
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
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { delayed } from '../../../support/toxics.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a silent server cannot hold a caller', (postgres) => {
  const proxies: TcpProxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

  async function openThroughProxy(
    settings: object = {},
  ): Promise<{ proxy: TcpProxy; provider: DatabaseProvider<Tables>; url: string }> {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const provider = await postgres.openWithItems({ url: proxy.urlOf(url), ...settings });
    return { proxy, provider, url };
  }

  it('while it connects: the deadline of acquiring is kept', async () => {
    const { proxy, provider } = await openThroughProxy({ pool: { acquireTimeout: 500, max: 2 } });
    proxy.fallSilent();
    const busy = rejectionOf(provider.transaction((tx) => tx.selectFrom('items').selectAll().execute()));
    await until(() => provider.stats().busy === 1);
    const start = performance.now();
    const error = await rejectionOf(ask(provider));
    const elapsed = performance.now() - start;
    expect(error).to.be.instanceOf(ConnectionError);
    expect((error as Error).message).to.contain('500 ms');
    expect(elapsed).to.be.within(495, 2_000);
    await provider.close({ deadline: 0 });
    await busy;
  });

  it('while it connects: callers in the line behind are served within their own deadlines', async () => {
    const { proxy, provider } = await openThroughProxy({
      pool: { acquireTimeout: 500, max: 1, maxLifetime: 1 },
    });
    await until(() => provider.stats().size === 0);
    proxy.fallSilent();
    const start = performance.now();
    await Promise.all(Array.from({ length: 5 }, () => rejectionOf(ask(provider))));
    expect(performance.now() - start).to.be.within(495, 2_000);
    expect(provider.stats()).to.include({ waiting: 0 });
  });

  it('while it connects: a connection that comes too late serves the next caller', async () => {
    const { proxy, provider } = await openThroughProxy({
      pool: { acquireTimeout: 1_000, max: 1, maxLifetime: 300 },
    });
    await until(() => provider.stats().size === 0);
    const { created } = provider.stats();
    proxy.fallSilent();
    expect(await rejectionOf(ask(provider))).to.be.instanceOf(ConnectionError);
    proxy.speakAgain();
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(provider.stats()).to.include({ created: created + 1, busy: 0 });
  });

  it('while a statement runs: its limit is kept, and the connection is not lent again', async () => {
    const { proxy, provider } = await openThroughProxy({ statementTimeout: 100, pool: { max: 1 } });
    proxy.fallSilent();
    const start = performance.now();
    const error = await rejectionOf(ask(provider));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(performance.now() - start).to.be.within(100, 600);
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
    const { proxy, provider } = await openThroughProxy({
      statementTimeout: 500,
      pool: { max: 1, acquireTimeout: 500 },
    });
    let sentAt = 0;
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: 'unknown' }).execute();
        proxy.cutReplyTo('commit');
        // The line of the question stands when most of the time is gone, and the answer would come too late.
        proxy.infect('toClient', delayed(200));
        sentAt = performance.now();
      }),
    );
    expect(error).to.be.instanceOf(CommitOutcomeUnknownError);
    expect(performance.now() - sentAt).to.be.within(490, 750);
  });

  it('at a read that is sent again: all tries together keep the time that one has', async () => {
    const { proxy, provider } = await openThroughProxy({
      statementTimeout: 300,
      pool: { max: 1, acquireTimeout: 300 },
    });
    proxy.fallSilent();
    const start = performance.now();
    expect(await rejectionOf(provider.query('select 1'))).to.be.instanceOf(ConnectionError);
    // One try has 600 ms; three of them, and the looks between them, would take more than twice as long.
    expect(performance.now() - start).to.be.within(300, 800);
  });

  it('at inserts that wait for others of their text: each keeps its own time', async () => {
    const { proxy, provider } = await openThroughProxy({
      statementTimeout: 1_000,
      pool: { max: 2, acquireTimeout: 300, maxWaiting: 1_000 },
    });
    const insert = prepare(provider, (db, param: Param<{ id: number }>) =>
      db.insertInto('items').values({ id: param('id'), name: null }),
    );
    await Promise.all([0, 1, 2].map((id) => insert.execute({ id })));
    proxy.fallSilent();
    const start = performance.now();
    await Promise.all(Array.from({ length: 500 }, (_, id) => rejectionOf(insert.execute({ id: id + 10 }))));
    expect(performance.now() - start).to.be.within(1_000, 1_300);
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
    const { proxy, provider } = await openThroughProxy({ pool: { max: 3 } });
    await Promise.all([ask(provider), ask(provider)]);
    proxy.fallSilent();
    const cutOff = rejectionOf(ask(provider));
    const connecting = Promise.all([rejectionOf(ask(provider)), rejectionOf(ask(provider))]);
    const start = performance.now();
    await Promise.all([provider.close({ deadline: 100 }), provider.close({ deadline: 60_000 })]);
    expect(performance.now() - start).to.be.within(95, 1_000);
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
