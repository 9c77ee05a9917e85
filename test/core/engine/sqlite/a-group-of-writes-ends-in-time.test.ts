import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import { DatabaseProviderFactory } from '../../../../src/core/index.ts';
import { describeOnDatabase } from '../../../support/database.ts';
import { countCommits } from './wal-commits.ts';

describeOnDatabase('sqlite-file', 'a group of writes that share a commit', (database) => {
  it('takes some ms and no more: slow ones do not keep the event loop until the last is done', async () => {
    const url = await database.freshUrl();
    await using provider = DatabaseProviderFactory.createProvider<unknown>(url);
    await provider.exec('create table counts (n integer)');
    const before = countCommits(url.slice('sqlite:'.length));
    // Each takes some 10 ms.
    const slow = CompiledQuery.raw(
      'insert into counts with recursive n (i) as (select 1 union all select i + 1 from n where i < 300000) select count(*) from n',
    );
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await Promise.all(Array.from({ length: 16 }, () => provider.direct!.execute(slow)));
    clearInterval(timer);
    expect(countCommits(url.slice('sqlite:'.length)) - before).to.be.greaterThan(4);
    expect(turns).to.be.greaterThan(4);
    expect(await provider.query('select count(*) as n from counts')).to.deep.equal([{ n: 16 }]);
  });
});
