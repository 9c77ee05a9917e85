import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/index.ts';
import { Migrator } from '../../../src/core/migrate/index.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { notes, openUntyped } from './sample-history.ts';

describeOnDatabase('postgres', 'a record of migrations counts in its own schema', (database) => {
  const opened: DatabaseProvider<any>[] = [];
  let url: string;

  beforeEach(async () => {
    url = await database.freshUrl();
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((provider) => provider.close()));
  });

  /** Opens a provider whose connections make their tables in the first of some schemas. */
  async function openIn(...schemas: readonly string[]): Promise<DatabaseProvider<any>> {
    await using admin = openUntyped(url);
    for (const schema of schemas) await admin.exec(`create schema if not exists ${schema}`);
    const name = new URL(url).pathname.slice(1);
    await admin.exec(`alter database ${name} set search_path = ${schemas.join(', ')}`);
    const provider = openUntyped({ url, pool: { max: 1 } });
    opened.push(provider);
    // Whoever comes in later finds another search path.
    await provider.query('select 1');
    return provider;
  }

  async function pendingOf(provider: DatabaseProvider<any>): Promise<number> {
    const status = await new Migrator(provider, notes).status();
    return status.filter(({ appliedAt }) => appliedAt === undefined).length;
  }

  it('so that two schemas of one database are migrated apart', async () => {
    const one = await openIn('one');
    const two = await openIn('two');
    expect((await new Migrator(one, notes).latest()).applied).to.have.lengthOf(3);
    expect(await pendingOf(two)).to.equal(3);
    expect((await new Migrator(two, notes).latest()).applied).to.have.lengthOf(3);
    expect(await one.query('select id from one.notes union all select id from two.notes')).to.have.lengthOf(
      2,
    );
    await new Migrator(one, notes).to(null);
    expect([await pendingOf(one), await pendingOf(two)]).to.deep.equal([3, 0]);
  });

  it('and a schema further behind on the search path has no say', async () => {
    const behind = await openIn('behind');
    await new Migrator(behind, notes).latest();
    const front = await openIn('front', 'behind');
    expect(await pendingOf(front)).to.equal(3);
    await new Migrator(front, notes).latest();
    expect(await front.query('select id from front.notes')).to.have.lengthOf(1);
    expect([await pendingOf(front), await pendingOf(behind)]).to.deep.equal([0, 0]);
  });
});
