/**
 * Lines that a router has forgotten: nothing passes and nobody is told. Where a limit is the promise, time comes
 * from a clock that the test moves, so that it is kept to the millisecond also on a busy machine.
 */
import { expect } from 'chai';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  type DatabaseProvider,
  type PoolEvent,
} from '../../../../src/core/index.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a line that nobody hears is given up', (postgres) => {
  const proxies: TcpProxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

  async function openThroughProxy(settings: object, clock?: FakeClock) {
    const url = await postgres.freshUrl();
    await postgres.askServer(url, 'create table items (id bigint primary key, name text)');
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const events: PoolEvent[] = [];
    const provider = await postgres.open(
      { url: proxy.urlOf(url), ...settings },
      { onPoolEvent: (event) => events.push(event), ...(clock === undefined ? {} : { clock }) },
    );
    return { proxy, provider, url, events };
  }

  it('after half a second, where it has rested for long: then the write behind it goes over another one', async () => {
    const clock = new FakeClock();
    const { proxy, provider, url, events } = await openThroughProxy({ pool: { max: 1 } }, clock);
    await provider.query('select 1');
    proxy.forgetLines();
    clock.advance(31_000);
    const timers = clock.pending;
    const written = insert(provider, 1);
    await until(() => clock.pending > timers);
    clock.advance(499);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
    clock.advance(1);
    await written;
    expect(events.map(({ type }) => type)).to.deep.equal(['created', 'retired', 'created']);
    expect(await postgres.askServer(url, 'select id::integer from items')).to.deep.equal([{ id: 1 }]);
  });

  it('40 ms behind statementTimeout, and not before', async () => {
    const clock = new FakeClock();
    const { proxy, provider } = await openThroughProxy({ statementTimeout: 1_000, pool: { max: 1 } }, clock);
    await provider.query('select 1');
    proxy.fallSilent();
    let isTold = false;
    const failure = rejectionOf(insert(provider, 1)).finally(() => (isTold = true));
    await until(() => provider.stats().busy === 1);
    clock.advance(1_039);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(isTold).to.equal(false);
    clock.advance(1);
    expect(await failure).to.be.instanceOf(CommitOutcomeUnknownError);
  });

  it('and what it held on the server is let go, so that its transaction is known to be rolled back', async () => {
    const { proxy, provider, url } = await openThroughProxy({ statementTimeout: 200, pool: { max: 1 } });
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: null }).execute();
        proxy.forgetLines();
      }),
    );
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error).to.have.property('retryable', true);
    expect((error as Error).message).to.contain('rolled back');
    expect(await postgres.countSessions(url, 'idle in transaction')).to.equal(0);
    await insert(provider, 1);
  });
});

async function insert(provider: DatabaseProvider<Tables>, id: number): Promise<void> {
  await provider.exec('insert into items values (?, null)', [id]);
}
