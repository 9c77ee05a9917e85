import { expect } from 'chai';
import { ConfigurationError } from '../../../../src/core/index.ts';
import { rejectionOf } from '../../../support/rejection.ts';
import { until } from '../../../support/until.ts';
import { describeOnPostgres } from './postgres-harness.ts';

describeOnPostgres('an old server is told clearly', (postgres) => {
  it('before any statement runs, and no connection is left behind', async () => {
    const url = await postgres.freshUrl();
    const provider = await postgres.open({ url, pool: { max: 1 } });
    await pretendToBeVersion(url, 140_005);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const error = await rejectionOf(provider.query('select 1'));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect((error as Error).message)
        .to.contain('PostgreSQL 15')
        .and.contain('version 14');
    }
    expect(provider.stats()).to.include({ size: 0, busy: 0 });
    await until(async () => (await postgres.countSessions(url)) === 0);
    await pretendToBeVersion(url, 150_000);
    expect(await provider.query('select 1 as one')).to.deep.equal([{ one: 1 }]);
  });

  /** Puts a function of the same name in front of the one that tells the version. */
  async function pretendToBeVersion(url: string, version: number): Promise<void> {
    const database = new URL(url).pathname.slice(1);
    await postgres.askServer(
      url,
      `create or replace function public.current_setting(text) returns text language sql as $$ select '${version}' $$`,
    );
    await postgres.askServer(url, `alter database "${database}" set search_path = public, pg_catalog`);
  }
});
