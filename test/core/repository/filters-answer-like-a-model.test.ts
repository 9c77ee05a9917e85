import { expect } from 'chai';
import fc from 'fast-check';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { Filter } from '../../../src/core/query/filter.ts';
import type { OrderBy } from '../../../src/core/query/order.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { matches, sortThings } from './filter-model.ts';
import { filtersFor, orders } from './random-filter.ts';
import {
  clearThings,
  createThingRepository,
  openThings,
  thingLists,
  type Tables,
  type ThingRepository,
  type ThingsTable,
} from './things.ts';

describeOnEachDatabase('filters answer like a model in memory', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  after(() => provider.close());

  it('for random rows, filters and orders', async () => {
    const property = fc.asyncProperty(
      thingLists.chain((rows) =>
        fc.tuple(
          fc.constant(rows),
          fc.array(fc.tuple(filtersFor(rows), orders), { minLength: 1, maxLength: 12 }),
        ),
      ),
      async ([rows, questions]) => {
        await clearThings(provider.db);
        await things.insertMany(rows);
        for (const [filter, order] of questions) {
          const expected = sortThings(
            rows.filter((row) => matches(row, filter)),
            order,
          );
          const asked = filter as Filter<ThingsTable, { data: unknown }>;
          const orderBy = order as unknown as OrderBy<Omit<ThingsTable, 'data'>>;
          const found = await things.findMany(asked, { orderBy, select: ['id'] });
          expect(found.map(({ id }) => id)).to.deep.equal(expected.map(({ id }) => id));
          expect(await things.count(asked)).to.equal(expected.length);
          expect(await things.exists(asked)).to.equal(expected.length > 0);
          expect((await things.findFirst(asked, { orderBy }))?.id).to.equal(expected[0]?.id);
        }
      },
    );
    await fc.assert(property, { numRuns: soakCount(1_000) });
  });
});
