import { expect } from 'chai';
import fc from 'fast-check';
import type { Page } from '../../../src/core/domain/page.ts';
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
  type Thing,
  type ThingRepository,
  type ThingsTable,
} from './things.ts';

type Ids = readonly string[];

/** Holds a page against the part of the whole list that it should be. */
function expectPart(page: Page<Thing>, whole: Ids, from: number, to: number): void {
  expect(page.items.map(({ id }) => id)).to.deep.equal(whole.slice(from, to));
  expect(page.previousCursor !== undefined, 'something precedes').to.equal(from > 0);
  expect(page.nextCursor !== undefined, 'something follows').to.equal(to < whole.length);
}

describeOnEachDatabase('pages answer like a model in memory', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  after(() => provider.close());

  it('forwards, backwards, from both sides of a cursor, after deletions, and as a stream', async () => {
    const property = fc.asyncProperty(
      thingLists,
      fc.oneof(fc.constant({}), filtersFor([])),
      orders,
      fc.integer({ min: 1, max: 5 }),
      fc.infiniteStream(fc.boolean()),
      async (rows, randomFilter, order, limit, coin) => {
        await clearThings(provider.db);
        await things.insertMany(rows);
        const filter = randomFilter as Filter<ThingsTable, { data: unknown }>;
        const orderBy = order as unknown as OrderBy<Omit<ThingsTable, 'data'>>;
        const read = (options: { after?: string | undefined; before?: string | undefined }) =>
          things.page(filter, { orderBy, limit, ...options });
        const whole = sortThings(
          rows.filter((row) => matches(row, randomFilter)),
          order,
        ).map(({ id }) => id);

        // Forwards; each end of a page is remembered as a place in the list.
        const places = new Map<number, string>();
        let from = 0;
        let page = await read({});
        for (;;) {
          const to = Math.min(from + limit, whole.length);
          expectPart(page, whole, from, to);
          if (page.previousCursor !== undefined && coin.next().value) places.set(from, page.previousCursor);
          if (page.nextCursor === undefined) break;
          expectPart(await read({ before: page.nextCursor }), whole, from, to);
          from = to;
          if (coin.next().value) places.set(from, page.nextCursor);
          page = await read({ after: page.nextCursor });
          expectPart(
            await read({ after: page.previousCursor }),
            whole,
            from,
            Math.min(to + limit, whole.length),
          );
        }
        // Backwards.
        while (page.previousCursor !== undefined) {
          const to = from;
          from = Math.max(0, to - limit);
          page = await read({ before: page.previousCursor });
          expectPart(page, whole, from, to);
        }
        // A stream is the whole list.
        const streamed: string[] = [];
        for await (const { id } of things.stream(filter, { orderBy, chunkSize: limit })) streamed.push(id);
        expect(streamed).to.deep.equal(whole);
        // A cursor is a place also when the rows around it are gone.
        const gone = new Set(whole.filter(() => coin.next().value));
        if (gone.size > 0)
          await provider.db
            .deleteFrom('things')
            .where('id', 'in', [...gone])
            .execute();
        const left = whole.filter((id) => !gone.has(id));
        for (const [index, cursor] of places) {
          const place = whole.slice(0, index).filter((id) => !gone.has(id)).length;
          expectPart(await read({ after: cursor }), left, place, Math.min(place + limit, left.length));
          expectPart(await read({ before: cursor }), left, Math.max(0, place - limit), place);
        }
      },
    );
    await fc.assert(property, { numRuns: soakCount(500) });
  });
});
