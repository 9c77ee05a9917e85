import { expect } from 'chai';
import { sql } from 'kysely';
import { DatabaseProviderFactory, QueryError, type DatabaseProvider } from '../../../../src/core/index.ts';
import { SqliteStatementCache } from '../../../../src/core/engine/sqlite/sqlite-statement-cache.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { runInAnotherProcess } from './another-process.ts';

for (const name of ['sqlite-file', 'sqlite-memory'] as const) {
  describeOnDatabase(name, 'a kept statement stays right', (database) => {
    let provider: DatabaseProvider<unknown>;
    let url: string;

    beforeEach(async () => {
      url = await database.freshUrl();
      provider = DatabaseProviderFactory.createProvider<unknown>(url);
      await provider.exec('create table notes (id integer primary key, text text)');
      await provider.exec("insert into notes values (1, 'a')");
    });

    afterEach(() => provider.close());

    const ask = () => provider.query('select * from notes');

    it('when a column is added', async () => {
      for (let count = 0; count < 20; count += 1) expect(await ask()).to.deep.equal([{ id: 1, text: 'a' }]);
      await provider.exec('alter table notes add column rank integer default 7');
      expect(await ask()).to.deep.equal([{ id: 1, text: 'a', rank: 7 }]);
    });

    it('when its table is dropped and made anew', async () => {
      await ask();
      await provider.exec('drop table notes');
      expect(await rejectionOf(ask())).to.be.instanceOf(QueryError);
      await provider.exec('create table notes (text text, id real)');
      await provider.exec("insert into notes values ('b', 0.5)");
      expect(await ask()).to.deep.equal([{ text: 'b', id: 0.5 }]);
    });

    it('when the change is made in a transaction, and when that is rolled back', async () => {
      await ask();
      const outcome = provider.transaction(async (tx) => {
        await sql`alter table notes add column rank integer default 7`.execute(tx);
        const { rows } = await sql`select * from notes`.execute(tx);
        expect(rows).to.deep.equal([{ id: 1, text: 'a', rank: 7 }]);
        throw new Error('no');
      });
      await rejectionOf(outcome);
      expect(await ask()).to.deep.equal([{ id: 1, text: 'a' }]);
    });

    if (name === 'sqlite-file') {
      it('when another process makes the change', async () => {
        for (let count = 0; count < 20; count += 1) await ask();
        await runInAnotherProcess(url, 'alter table notes add column rank integer default 7');
        expect(await ask()).to.deep.equal([{ id: 1, text: 'a', rank: 7 }]);
        await runInAnotherProcess(url, 'drop table notes; create table notes (only text)');
        expect(await provider.exec("insert into notes values ('x')")).to.equal(1);
        expect(await ask()).to.deep.equal([{ only: 'x' }]);
      });
    }
  });
}

describe('the statements that a connection keeps', () => {
  it('are bounded, and those that are asked for stay', () => {
    const cache = new SqliteStatementCache<number>(3);
    for (let text = 0; text < 100; text += 1) {
      cache.find('often');
      if (cache.find('often') === undefined) cache.add('often', -1);
      cache.add(`once ${text}`, text);
      expect(cache.size).to.be.at.most(3);
      if (text > 0) expect(cache.find('often')).to.equal(-1);
    }
    expect(cache.find('once 0')).to.equal(undefined);
    expect(cache.find('once 99')).to.equal(99);
  });
});
