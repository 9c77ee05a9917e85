import { expect } from 'chai';
import { sql } from 'kysely';
import {
  CommitOutcomeUnknownError,
  ConnectionError,
  type DatabaseProvider,
  type ProviderOptions,
} from '../../../../src/core/index.ts';
import { soakCount } from '../../../support/engines.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a lost answer is asked for', (postgres) => {
  const proxies: TcpProxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));

  async function openThroughProxy(
    settings: object = {},
    options: ProviderOptions<Tables> = {},
  ): Promise<{ proxy: TcpProxy; provider: DatabaseProvider<Tables>; url: string }> {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    proxies.push(proxy);
    const provider = await postgres.openWithItems({ url: proxy.urlOf(url), ...settings }, options);
    return { proxy, url, provider };
  }

  it('COMMIT that was done counts as done, each time', async () => {
    const { proxy, provider } = await openThroughProxy({ pool: { max: 2 } });
    const count = soakCount(200);
    for (let id = 0; id < count; id += 1) {
      await provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id, name: null }).execute();
        proxy.cutReplyTo('commit');
      });
    }
    expect(await provider.query('select id from items')).to.have.lengthOf(count);
    expect(provider.stats()).to.include({ busy: 0, waiting: 0 });
  });

  it('COMMIT that the server has refused is known to have had no effect, and may be run again', async () => {
    const { proxy, provider } = await openThroughProxy();
    await provider.exec('create table pairs (id integer unique deferrable initially deferred)');
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await sql`insert into pairs values (1), (1)`.execute(tx);
        proxy.cutReplyTo('commit');
      }),
    );
    expect(error).to.be.instanceOf(ConnectionError).and.include({ retryable: true });
    expect((error as Error).message).to.contain('rolled back');
    expect(await provider.query('select * from pairs')).to.deep.equal([]);
  });

  it('a transaction that has written nothing has nothing to lose', async () => {
    const { proxy, provider } = await openThroughProxy();
    const unit = provider.transaction(
      async (tx) => {
        await tx.selectFrom('items').selectAll().execute();
        proxy.cutReplyTo('commit');
      },
      { readOnly: true },
    );
    expect(await rejectionOf(unit))
      .to.be.instanceOf(ConnectionError)
      .and.include({ retryable: true });
  });

  it('where nobody can be asked, the outcome is unknown, and the number of the transaction is told', async () => {
    const { proxy, provider, url } = await openThroughProxy();
    const error = await rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: null }).execute();
        const name = new URL(url).pathname.slice(1);
        const elsewhere = Object.assign(new URL(url), { pathname: '/postgres' }).href;
        await postgres.askServer(elsewhere, `alter database "${name}" allow_connections false`);
        proxy.cutReplyTo('commit');
      }),
    );
    expect(error).to.be.instanceOf(CommitOutcomeUnknownError).and.include({ retryable: false });
    expect((error as CommitOutcomeUnknownError).xid).to.match(/^\d+$/);
  });

  it('and whoever can be asked but does not answer holds nobody for longer than acquireTimeout', async () => {
    const clock = new FakeClock();
    const settings = { pool: { acquireTimeout: 20_000 } };
    const { proxy, provider, url } = await openThroughProxy(settings, { clock });
    const isCut = Promise.withResolvers<void>();
    const outcome = rejectionOf(
      provider.transaction(async (tx) => {
        await tx.insertInto('items').values({ id: 1, name: null }).execute();
        proxy.fallSilent('toClient');
        const isCommitted = async () => (await postgres.askServer(url, 'select from items')).length === 1;
        void until(isCommitted).then(() => {
          proxy.cutLines();
          isCut.resolve();
        });
      }),
    );
    await isCut.promise;
    expect(await clock.runUntil(outcome)).to.be.within(19_900, 20_050);
    expect(await outcome).to.be.instanceOf(CommitOutcomeUnknownError);
  });

  it('a single write that was sent has an unknown outcome, a read has none', async () => {
    const { proxy, provider, url } = await openThroughProxy();
    proxy.cutReplyTo('canary');
    const write = provider.db.insertInto('items').values({ id: 1, name: 'canary' }).execute();
    expect(await rejectionOf(write)).to.be.instanceOf(CommitOutcomeUnknownError);
    expect(await postgres.askServer(url, 'select id from items')).to.deep.equal([{ id: '1' }]);
    proxy.cutReplyTo('canary');
    const read = provider.db.selectFrom('items').selectAll().where('name', '=', 'canary').execute();
    expect(await rejectionOf(read)).to.be.instanceOf(ConnectionError);
  });
});
