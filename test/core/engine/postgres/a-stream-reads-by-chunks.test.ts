import { expect } from 'chai';
import { sql } from 'kysely';
import { QueryError, ValidationError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('a stream reads by chunks', (postgres) => {
  async function openWithRows(count: number, settings: object = {}): Promise<DatabaseProvider<Tables>> {
    const provider = await postgres.openWithItems(settings);
    await provider.exec(`insert into items select n, 'item ' || n from generate_series(1, ?::integer) as n`, [
      count,
    ]);
    return provider;
  }

  const collect = async <Row>(rows: AsyncIterable<Row>): Promise<Row[]> => {
    const seen: Row[] = [];
    for await (const row of rows) seen.push(row);
    return seen;
  };

  it('with parameters, whatever the chunk size, each row once and in order', async () => {
    const provider = await openWithRows(10);
    for (const chunkSize of [1, 3, 5, 10, 11, 1_000]) {
      const rows = provider.db
        .selectFrom('items')
        .select('id')
        .where('id', '>', 2)
        .orderBy('id')
        .stream(chunkSize);
      expect((await collect(rows)).map(({ id }) => id)).to.deep.equal([3, 4, 5, 6, 7, 8, 9, 10]);
    }
    expect(
      await collect(provider.db.selectFrom('items').select('id').where('id', '>', 99).stream()),
    ).to.deep.equal([]);
    expect(provider.stats()).to.include({ busy: 0, retired: 0 });
  });

  it('and the server computes no more than was asked for', async () => {
    const provider = await postgres.open();
    const first = sql<number>`(select 1 / (case when n < 150 then 1 else 0 end))`;
    const rows = provider.db
      .selectFrom(sql<{ n: number }>`generate_series(1, 1000)`.as(sql`numbers (n)`))
      .select(first.as('one'))
      .stream(100);
    let seen = 0;
    for await (const _ of rows) {
      seen += 1;
      if (seen === 100) break;
    }
    expect(seen).to.equal(100);
    expect(provider.stats()).to.include({ busy: 0, retired: 0 });
  });

  it('inside of a transaction it sees what that wrote, and leaves it open', async () => {
    const provider = await openWithRows(3);
    await provider.transaction(async (tx) => {
      await tx.insertInto('items').values({ id: 4, name: 'mine' }).execute();
      const rows = await collect(tx.selectFrom('items').select('id').orderBy('id').stream(2));
      expect(rows.map(({ id }) => id)).to.deep.equal([1, 2, 3, 4]);
      for await (const _ of tx.selectFrom('items').select('id').stream(1)) break;
      await tx.insertInto('items').values({ id: 5, name: 'too' }).execute();
    });
    expect(await provider.query('select count(*) as n from items')).to.deep.equal([{ n: 5 }]);
  });

  it('a failure half way comes out once, and the connection is good again', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    const rows = provider.db
      .selectFrom(sql<{ n: number }>`generate_series(1, 10)`.as(sql`numbers (n)`))
      .select(sql<number>`1 / (5 - n)`.as('one'))
      .stream(2);
    let seen = 0;
    const outcome = (async () => {
      for await (const _ of rows) seen += 1;
    })();
    const error = await rejectionOf(outcome);
    expect(error).to.be.instanceOf(QueryError).and.include({ driverCode: '22012' });
    expect(seen).to.equal(4);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });

  it('what the consumer throws comes out, and the connection is good again', async () => {
    const provider = await openWithRows(10, { pool: { max: 1 } });
    const mine = new Error('mine');
    const outcome = (async () => {
      for await (const _ of provider.db.selectFrom('items').select('id').stream(2)) throw mine;
    })();
    expect(await rejectionOf(outcome)).to.equal(mine);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });

  it('what writes runs whole and once', async () => {
    const provider = await openWithRows(3);
    const renamed = provider.db.updateTable('items').set({ name: 'new' }).returning('id').stream(2);
    expect(await collect(renamed)).to.have.length(3);
    const withWrite = provider.db
      .with('added', (db) => db.insertInto('items').values({ id: 9, name: 'added' }).returning('id'))
      .selectFrom('added')
      .select('id')
      .stream(2);
    expect(await collect(withWrite)).to.deep.equal([{ id: 9 }]);
    expect(await provider.query('select name from items order by id')).to.deep.equal([
      { name: 'new' },
      { name: 'new' },
      { name: 'new' },
      { name: 'added' },
    ]);
  });

  it('a chunk size that is none is refused', async () => {
    const provider = await openWithRows(1);
    for (const chunkSize of [0, -1, 1.5, Number.NaN]) {
      const outcome = collect(provider.db.selectFrom('items').select('id').stream(chunkSize));
      expect(await rejectionOf(outcome)).to.be.instanceOf(ValidationError);
    }
    expect(provider.stats()).to.include({ busy: 0 });
  });
});
