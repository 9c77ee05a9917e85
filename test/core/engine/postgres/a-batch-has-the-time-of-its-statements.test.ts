import { expect } from 'chai';
import { sql } from 'kysely';
import { StatementTimeoutError } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('a batch has the time of its statements', (postgres) => {
  it('each of them statementTimeout, and none of them more', async () => {
    const provider = await postgres.openWithItems({ statementTimeout: 400 });
    const sleep = (seconds: number) =>
      provider.db.selectNoFrom(sql<string>`pg_sleep(${seconds})`.as('slept'));
    expect(await provider.batch([sleep(0.25), sleep(0.25), sleep(0.25)])).to.have.length(3);
    const insert = provider.db.insertInto('items').values({ id: 1, name: null });
    const late = await rejectionOf(provider.batch([insert, sleep(5), sleep(0)]));
    expect(late).to.be.instanceOf(StatementTimeoutError);
    expect(await provider.db.selectFrom('items').selectAll().execute()).to.deep.equal([]);
  });
});
