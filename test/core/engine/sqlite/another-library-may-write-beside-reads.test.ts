import Database from 'better-sqlite3';
import { expect } from 'chai';
import { DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';

describeOnDatabase('sqlite-file', 'another library may write beside reads', (database) => {
  it('in the same thread, between any two of them: who writes all the time is never seen late', async () => {
    const url = await database.freshUrl();
    await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
    await provider.exec('create table notes (id integer primary key)');
    await provider.query('select count(*) as n from notes');
    const other = new Database(url.slice('sqlite:'.length));
    other.pragma('synchronous = off');
    const write = other.prepare('insert into notes default values');
    let late = 0;
    for (let n = 1; n <= 300; n += 1) {
      write.run();
      const rows = await provider.query<{ n: number }>('select count(*) as n from notes');
      if (rows[0]?.n !== n) late += 1;
    }
    other.close();
    expect(late).to.equal(0);
  });
});
