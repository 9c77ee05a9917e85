import { expect } from 'chai';
import { sql, type CompiledQuery } from 'kysely';
import { prepare, StalePreparedStatementError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres, type Tables } from './postgres-harness.ts';

describeOnPostgres('statements are prepared by name', (postgres) => {
  it('from their second use on, once a session', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await itemsBelow(provider, 1);
    expect(await preparedOn(provider, 'items')).to.equal(0);
    for (let use = 2; use <= 10; use += 1) await itemsBelow(provider, use);
    expect(await preparedOn(provider, 'items')).to.equal(1);
  });

  it('never where that is switched off', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 }, connection: { prepare: 'off' } });
    for (let use = 1; use <= 10; use += 1) await itemsBelow(provider, use);
    expect(await preparedOn(provider, 'items')).to.equal(0);
  });

  it('never where they ask for the schema: without its values the server would read its whole catalogue', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const plain = provider.db.selectFrom('items').select('id');
    for (let use = 1; use <= 3; use += 1) {
      await provider.db.introspection.getTables();
      await plain.execute();
    }
    const prepared = await provider.query<{ statement: string }>(
      'select statement from pg_prepared_statements',
    );
    expect(prepared.map(({ statement }) => statement)).to.deep.equal([plain.compile().sql]);
  });

  it('256 of them a session, and what gives way is forgotten on the server too', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    for (let round = 0; round < 3; round += 1) {
      for (let text = 0; text < 300; text += 1) {
        const query = provider.db.selectFrom('items').select(sql<number>`${sql.lit(text)}`.as('n'));
        expect(await query.execute()).to.deep.equal([]);
      }
    }
    // The question itself is prepared as well, and pushes one out.
    expect(await preparedOn(provider, 'items')).to.be.within(254, 256);
  });

  it('also where one batch has more texts than that, again and again', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    const texts = Array.from({ length: 300 }, (_, text) =>
      provider.db
        .selectFrom('items')
        .select(sql<number>`${sql.lit(text)}`.as('n'))
        .compile(),
    );
    for (let round = 0; round < 8; round += 1) {
      expect(await provider.batch(texts)).to.deep.equal(texts.map(() => []));
    }
    // Nothing has spoken against the names, and none is on the server that we do not know of.
    expect(await preparedOn(provider, 'items')).to.be.within(254, 256);
    const named = await provider.query('select from pg_prepared_statements where name not like ?', ['l0%']);
    expect(named).to.deep.equal([]);
  });

  it('and whoever counts on a name that another is about to prepare hears of its own fault alone', async () => {
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message: string) => warnings.push(message),
    };
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url, pool: { max: 1 } }, { logger });
    await provider.exec('create table gone (id bigint)');
    const read = prepare(provider, (db) => db.selectFrom(sql<{ id: number }>`gone`.as('gone')).selectAll());
    for (let use = 0; use < 5; use += 1) await read.execute({});
    await provider.exec('drop table gone');
    await provider.exec('deallocate all');
    await Promise.allSettled([read.execute({})]);
    const errors = await Promise.all(Array.from({ length: 20 }, () => rejectionOf(read.execute({}))));
    for (const error of errors) expect(error).to.include({ driverCode: '42P01' });
    expect(warnings).to.deep.equal([]);
  });

  it('and prepared anew where the session has lost them, without a word', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await addItem(provider, 1);
    for (let round = 0; round < 4; round += 1) {
      for (let use = 0; use < 3; use += 1) expect(await itemsBelow(provider, 10)).to.have.lengthOf(1);
      await provider.exec('deallocate all');
    }
    expect(await itemsBelow(provider, 10)).to.have.lengthOf(1);
  });

  it('and prepared anew where a table has got another column, alone and as the first of a transaction', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await addItem(provider, 1);
    for (let column = 0; column < 6; column += 1) {
      for (let use = 0; use < 2; use += 1) await itemsBelow(provider, 10);
      await provider.exec(`alter table items add column extra_${column} integer`);
      const rows =
        column % 2 === 0
          ? await itemsBelow(provider, 10)
          : await provider.transaction((tx) =>
              tx.selectFrom('items').selectAll().where('id', '<', 10).execute(),
            );
      expect(rows).to.have.lengthOf(1);
      expect(Object.keys(rows[0] ?? {})).to.have.lengthOf(3 + column);
    }
  });

  it('in the midst of a transaction it has to be run again, and says so', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.openWithItems({ url, pool: { max: 1 } });
    for (let use = 0; use < 3; use += 1) await itemsBelow(provider, 10);
    const unit = () =>
      provider.transaction(async (tx) => {
        await sql`select 1`.execute(tx);
        await postgres.askServer(url, 'alter table items add column if not exists more integer');
        return tx.selectFrom('items').selectAll().where('id', '<', 10).execute();
      });
    const error = await rejectionOf(unit());
    expect(error).to.be.instanceOf(StalePreparedStatementError).and.include({ retryable: true });
    expect(await unit()).to.deep.equal([]);
  });

  it('until the server has forgotten them too often: then no more, and one warning', async () => {
    const warnings: string[] = [];
    const logger = {
      debug() {},
      info() {},
      error() {},
      warn: (_: object, message: string) => warnings.push(message),
    };
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url, pool: { max: 1 } }, { logger });
    await provider.exec('create table items (id bigint primary key, name text)');
    for (let round = 0; round < 8; round += 1) {
      for (let use = 0; use < 3; use += 1) expect(await itemsBelow(provider, 10)).to.deep.equal([]);
      // As behind a pooler that hands the next transaction to another session.
      await provider.exec('deallocate all');
    }
    for (let use = 0; use < 3; use += 1) await itemsBelow(provider, 10);
    expect(await preparedOn(provider, 'items')).to.equal(0);
    expect(warnings.filter((message) => message.includes('prepare'))).to.have.lengthOf(1);
  });

  it('also where many are under way when they are lost', async () => {
    const provider = await postgres.openWithItems({ pool: { max: 1 } });
    await addItem(provider, 7);
    const query = selectItem(provider);
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 3 }, () => provider.direct!.execute(query)));
      await provider.exec('deallocate all');
      const answers = await Promise.all(Array.from({ length: 40 }, () => provider.direct!.execute(query)));
      for (const answer of answers) expect(answer.rows).to.deep.equal([{ name: 'item' }]);
    }
  });
});

function itemsBelow({ db }: DatabaseProvider<Tables>, limit: number): Promise<object[]> {
  return db.selectFrom('items').selectAll().where('id', '<', limit).execute();
}

function selectItem({ db }: DatabaseProvider<Tables>): CompiledQuery {
  return db.selectFrom('items').select('name').where('id', '=', 7).compile();
}

async function addItem({ db }: DatabaseProvider<Tables>, id: number): Promise<void> {
  await db.insertInto('items').values({ id, name: 'item' }).execute();
}

/** How many prepared statements of a table the only session has. */
async function preparedOn(provider: DatabaseProvider<Tables>, table: string): Promise<number> {
  const [row] = await provider.query<{ n: number }>(
    'select count(*)::integer as n from pg_prepared_statements where statement like ?',
    [`%from "${table}"%`],
  );
  return row?.n ?? Number.NaN;
}
