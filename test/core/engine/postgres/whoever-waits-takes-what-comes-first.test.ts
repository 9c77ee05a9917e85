/** A new connection, or one that is given back while the new one is under way. */
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  ConnectionError,
  prepare,
  systemClock,
  type Clock,
  type DatabaseProvider,
} from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type PostgresHarness, type Tables } from './postgres-harness.ts';

/** Longer than any test: nothing that is opened from then on stands in time. */
const never = 60_000;

describeOnPostgres('whoever waits takes what comes first', (postgres) => {
  const openThroughProxy = proxiesOf(postgres);

  it('the connection that is given back, in the order of asking, and none is opened in vain', async () => {
    const { proxy, provider } = await openThroughProxy({ pool: { max: 4 } });
    const held = await hold(provider);
    proxy.delayConnecting(never);
    const order: number[] = [];
    const waiting = [1, 2, 3].map((number) =>
      sql`select 1`.execute(provider.db).then(() => order.push(number)),
    );
    await until(() => provider.stats().busy === 4);
    await held.release();
    await Promise.all(waiting);
    expect(order).to.deep.equal([1, 2, 3]);
    expect(provider.stats()).to.include({ created: 1, size: 1, busy: 0, waiting: 0 });
  });

  it('the new one, where nothing is given back', async () => {
    const { provider } = await openThroughProxy({ pool: { max: 2 } });
    const held = await hold(provider);
    await sql`select 1`.execute(provider.db);
    expect(provider.stats()).to.include({ created: 2 });
    await held.release();
  });

  it('and why none can be opened, as long as nothing else comes', async () => {
    const { proxy, provider } = await openThroughProxy({ pool: { max: 2 } });
    const held = await hold(provider);
    await proxy.close();
    expect(await rejectionOf(sql`select 1`.execute(provider.db))).to.include({ code: 'LIMINAL_CONNECTION' });
    await held.release().catch(() => undefined);
  });

  it('nothing, where its signal ends the wait: at once, and the statement is never sent', async () => {
    const { proxy, provider, url } = await openThroughProxy({ pool: { max: 1, acquireTimeout: never } });
    const send = await prepareSending(provider);
    proxy.cutLines();
    await until(() => provider.stats().size === 0);
    proxy.delayConnecting(never);
    const controller = new AbortController();
    const outcome = rejectionOf(send(controller.signal));
    await until(() => provider.stats().busy === 1);
    controller.abort(new Error('enough'));
    expect(await outcome).to.have.property('message', 'enough');
    expect(provider.stats(), 'its place is free').to.include({ busy: 0 });
    expect(await postgres.askServer(url, 'select is_called from sent')).to.deep.equal([{ is_called: false }]);
  });

  it('nothing, where its signal ends the wait for a sign of life', async () => {
    let ahead = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
    const settings = { pool: { max: 1, idleTimeout: 0, maxLifetime: 0 } };
    const { proxy, provider } = await openThroughProxy(settings, { clock });
    const send = await prepareSending(provider);
    proxy.fallSilent();
    ahead = 31_000;
    const controller = new AbortController();
    const outcome = rejectionOf(send(controller.signal));
    await until(() => provider.stats().busy === 1);
    controller.abort(new Error('enough'));
    proxy.speakAgain();
    expect(await outcome).to.have.property('message', 'enough');
    expect(await provider.query('select is_called from sent')).to.deep.equal([{ is_called: false }]);
  });

  it('nothing, where a connection that nobody has used for long does not answer within its deadline', async () => {
    const clock = new FakeClock();
    const { proxy, provider } = await openThroughProxy(
      { pool: { max: 1, acquireTimeout: 5_000, idleTimeout: 0, maxLifetime: 0 } },
      { clock },
    );
    proxy.fallSilent();
    clock.advance(31_000);
    const outcome = rejectionOf(sql`select 1`.execute(provider.db));
    // To ask whether it is still there, and to open another one, together.
    expect(await clock.runUntil(outcome)).to.be.within(5_000, 5_020);
    expect(await outcome).to.be.instanceOf(ConnectionError);
  });
});

function proxiesOf(postgres: PostgresHarness) {
  const proxies: TcpProxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));
  return async (settings: object, options: object = {}) => {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const provider = await postgres.open({ url: proxy.urlOf(url), ...settings }, options);
    await provider.query('select 1');
    return { proxy, provider, url };
  };
}

/** Makes a sequence that says whether the statement has run. */
async function prepareSending(
  provider: DatabaseProvider<Tables>,
): Promise<(signal: AbortSignal) => Promise<unknown>> {
  await provider.exec('create sequence sent');
  const statement = prepare(provider, (db) => db.selectNoFrom(sql`nextval('sent')`.as('n')));
  return (signal) => statement.execute({}, { signal });
}

/** Holds a connection until it is told to give it back. */
async function hold(provider: DatabaseProvider<Tables>): Promise<{ release: () => Promise<void> }> {
  const held = Promise.withResolvers<void>();
  const given = Promise.withResolvers<void>();
  const work = provider.transaction(async (tx) => {
    await sql`select 1`.execute(tx);
    held.resolve();
    await given.promise;
  });
  await held.promise;
  return {
    release() {
      given.resolve();
      return work;
    },
  };
}
