import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import { LiminalDataError, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUntyped } from './sample-history.ts';

const largest = 2_147_483_647;

describeOnEachDatabase('a counter keeps its range', (database) => {
  let provider: DatabaseProvider<any>;

  before(async () => {
    provider = openUntyped(await database.freshUrl());
    const counts = provider.migrations.columns.table('counts');
    await provider.db.schema
      .createTable('counts')
      .addColumn('from_zero', counts.counter('from_zero', 0))
      .addColumn('from_one', counts.counter('from_one', 1))
      .modifyEnd(counts.end)
      .execute();
  });

  after(() => provider.close());

  for (const [column, min] of [
    ['from_zero', 0],
    ['from_one', 1],
  ] as const) {
    it(`from ${min} to what an integer of Postgres holds`, async () => {
      const edges = [min - 1, min, largest, largest + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
      const numbers = fc.oneof(fc.constantFrom(...edges), fc.maxSafeInteger(), fc.integer());
      await fc.assert(
        fc.asyncProperty(numbers, async (count) => {
          const insert = sql`insert into counts (${sql.ref(column)}) values (${count})`.execute(provider.db);
          if (count >= min && count <= largest) await insert;
          else expect(await rejectionOf(insert)).to.be.instanceOf(LiminalDataError);
        }),
        { examples: edges.map((edge) => [edge]) },
      );
    });
  }

  it('also where it grows', async () => {
    await provider.exec('delete from counts');
    await provider.exec('insert into counts (from_one) values (?)', [largest]);
    const grow = provider.exec('update counts set from_one = from_one + 1');
    expect(await rejectionOf(grow)).to.be.instanceOf(LiminalDataError);
    expect(await provider.query('select from_one from counts')).to.deep.equal([{ from_one: largest }]);
  });
});
