import { expect } from 'chai';
import fc from 'fast-check';
import { DatabaseProviderFactory, Repository, type DatabaseProvider } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';

interface Visit {
  id: number;
  seen_at: number | null;
  count: number;
}

interface Tables {
  visits: Visit;
}

describeOnEachDatabase('a growing column', (database) => {
  let provider: DatabaseProvider<Tables>;
  let visits: Repository<Tables, 'visits', Visit>;

  before(async () => {
    provider = DatabaseProviderFactory.createProvider<Tables>(await database.freshUrl());
    await provider.exec(
      'create table visits (id integer primary key, seen_at bigint, count integer not null)',
    );
    visits = new Repository<Tables, 'visits', Visit>(provider, {
      table: 'visits',
      key: 'id',
      growing: ['seen_at', 'count'],
      columns: { id: 'integer', seen_at: 'integer?', count: 'integer' },
      mapper: { fromRow: (row) => row, toRow: (visit) => visit },
    });
  });

  after(() => provider.close());

  it('holds the greatest of what was written, by update and by upsert, NULL being the least', async () => {
    const write = fc.record({
      seen_at: fc.option(fc.integer({ min: -5, max: 5 })),
      count: fc.nat({ max: 5 }),
      upsert: fc.boolean(),
    });
    const property = fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 8 }), async (writes) => {
      await provider.exec('delete from visits');
      await visits.insert({ id: 1, seen_at: null, count: 0 });
      for (const { upsert, ...values } of writes) {
        await (upsert ? visits.upsert({ id: 1, ...values }) : visits.update({ id: 1, ...values }));
      }
      const seen = writes.flatMap(({ seen_at }) => (seen_at === null ? [] : [seen_at]));
      expect(await visits.getById(1)).to.deep.equal({
        id: 1,
        seen_at: seen.length === 0 ? null : Math.max(...seen),
        count: Math.max(...writes.map(({ count }) => count)),
      });
    });
    await fc.assert(property, { numRuns: 40 });
  });
});
