import { expect } from 'chai';
import { sql, type CompiledQuery } from 'kysely';
import { UniqueViolationError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { TcpProxy } from '../../../support/tcp-proxy.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a batch is all or nothing', (postgres) => {
  it('its results come in the order of its statements', async () => {
    const provider = await postgres.openWithItems();
    const results = await provider.direct!.batch([
      insert(provider, 1),
      select(provider),
      insert(provider, 2),
      select(provider),
    ]);
    expect(results.map(({ rows }) => rows)).to.deep.equal([
      [{ id: 1 }],
      [{ id: 1 }],
      [{ id: 2 }],
      [{ id: 1 }, { id: 2 }],
    ]);
    expect(await provider.direct!.batch([])).to.deep.equal([]);
  });

  it('whichever statement fails, its error comes out, nothing is applied, and the connection goes on', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await provider.direct!.execute(insert(provider, 0));
    for (let failing = 0; failing < 5; failing += 1) {
      const batch = Array.from({ length: 5 }, (_, index) =>
        insert(provider, index === failing ? 0 : 10 * failing + index + 1),
      );
      expect(await rejectionOf(provider.direct!.batch(batch))).to.be.instanceOf(UniqueViolationError);
      expect(await provider.query('select id from items')).to.deep.equal([{ id: 0 }]);
    }
    expect(provider.stats()).to.include({ created: 1, retired: 0, busy: 0 });
  });

  it('also where COMMIT is what fails', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    await provider.exec('create table items (id bigint unique deferrable initially deferred, name text)');
    const batch = [insert(provider, 1), insert(provider, 1)];
    expect(await rejectionOf(provider.direct!.batch(batch))).to.be.instanceOf(UniqueViolationError);
    expect(await provider.query('select * from items')).to.deep.equal([]);
  });

  it('and is sent again where its statements are prepared no more', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    for (let round = 0; round < 3; round += 1) {
      for (let use = 0; use < 3; use += 1) {
        await provider.direct!.batch([insert(provider, round * 10 + use), select(provider)]);
      }
      await provider.exec('deallocate all');
    }
    expect(await provider.query('select * from items')).to.have.lengthOf(9);
  });

  it('where the reply to COMMIT is lost, the server is asked, and the results come all the same', async () => {
    const url = await postgres.freshUrl();
    const proxy = await TcpProxy.listen(url);
    try {
      const provider = await postgres.openWithItems({ url: proxy.urlOf(url), pool: { max: 1 } });
      await provider.exec(
        `create function slow_commit() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return null; end $$`,
      );
      await provider.exec(
        'create constraint trigger slow after insert on items deferrable initially deferred for each row execute function slow_commit()',
      );
      const outcome = provider.direct!.batch([insert(provider, 1), select(provider)]);
      // By then the number of the transaction is here, and COMMIT is under way.
      await postgres.askServer(url, 'select pg_sleep(0.1)');
      proxy.cutLines();
      const results = await outcome.catch((error: unknown) => error);
      const rows = await postgres.askServer(url, 'select id from items');
      if (rows.length === 1) expect(results).to.be.an('array').with.lengthOf(2);
      else expect(results).to.include({ code: 'LIMINAL_CONNECTION', retryable: true });
    } finally {
      await proxy.close();
    }
  });
});

function insert({ db }: DatabaseProvider<Tables>, id: number): CompiledQuery {
  return db.insertInto('items').values({ id, name: null }).returning('id').compile();
}

function select({ db }: DatabaseProvider<Tables>): CompiledQuery {
  return db
    .selectFrom('items')
    .select('id')
    .orderBy(sql`id`)
    .compile();
}
