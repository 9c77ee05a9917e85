import { expect } from 'chai';
import { QueryError } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('raw SQL leaves no cursor and no memory of sequences behind', (postgres) => {
  it('although the connection is the same', async () => {
    const provider = await postgres.open({ pool: { max: 1 } });
    await provider.exec('create sequence numbers');
    await provider.exec('declare litter cursor with hold for select 1');
    expect(await provider.query(`select name from pg_cursors where name <> ''`)).to.deep.equal([]);
    await provider.exec(`do $$ begin perform nextval('numbers'); end $$`);
    expect(await rejectionOf(provider.query('select lastval()'))).to.be.instanceOf(QueryError);
    expect(provider.stats()).to.include({ created: 1, retired: 0 });
  });
});
