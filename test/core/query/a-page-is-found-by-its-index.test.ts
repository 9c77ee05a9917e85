import { expect } from 'chai';
import { CompiledQuery, sql } from 'kysely';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import type { Issue } from '../../../src/core/foundation/issue.ts';
import { keysetCondition } from '../../../src/core/query/keyset.ts';
import { orderExpressions, resolveOrder } from '../../../src/core/query/order.ts';
import { defineTable } from '../../../src/core/repository/table-definition.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  thingColumns,
  type Tables,
  type ThingRepository,
} from '../repository/things.ts';

describeOnEachDatabase('a page is found by its index', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  const definition = defineTable({
    table: 'things',
    key: 'id',
    columns: thingColumns,
    mapper: { fromRow: (row: object) => row },
  });
  const owner = crypto.randomUUID();
  const id = crypto.randomUUID();

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    await things.insertMany(
      Array.from({ length: 5_000 }, (_, index) =>
        makeThing({
          owner,
          score: index % 500,
          created_at: index,
          rank: index % 7 === 0 ? null : index % 250,
        }),
      ),
    );
    for (const columns of ['created_at, id', 'owner, created_at, id', 'score, name, id', 'rank, id']) {
      await sql
        .raw(`create index on_${columns.replaceAll(', ', '_')} on things (${columns})`)
        .execute(provider.db);
    }
    await sql.raw('analyze').execute(provider.db);
  });

  after(() => provider.close());

  /** The database's plan for a page beside a row with these values. */
  async function explain(orderBy: string[], values: unknown[], direction: 'after' | 'before', owned = false) {
    const issues: Issue[] = [];
    const order = resolveOrder(orderBy, definition, definition, new Set(), issues);
    expect(issues).to.deep.equal([]);
    let query = things
      .query()
      .selectAll()
      .where(keysetCondition(order, { values, side: 'after' }, direction))
      .limit(21);
    if (owned) query = query.where('owner', '=', owner);
    for (const term of orderExpressions(order, direction === 'before')) query = query.orderBy(term);
    const { sql: text, parameters } = query.compile();
    const words = database.name === 'postgres' ? 'explain' : 'explain query plan';
    const { rows } = await provider.db.executeQuery<Record<string, unknown>>(
      CompiledQuery.raw(`${words} ${text}`, [...parameters]),
    );
    return rows.map((row) => String(row['detail'] ?? row['QUERY PLAN'])).join('\n');
  }

  const goesThere = database.name === 'postgres' ? /Index Cond: /u : /SEARCH things USING INDEX/u;
  const sorts = /sort|temp b-tree/iu;

  for (const direction of ['after', 'before'] as const) {
    it(`${direction} a row in one direction: straight to the place, and nothing is sorted`, async () => {
      for (const [order, values] of [
        [['created_at'], [2_500, id]],
        [['created_at desc'], [2_500, id]],
        [
          ['score', 'name'],
          [250, 'n', id],
        ],
        [
          ['score desc', 'name desc'],
          [250, 'n', id],
        ],
      ] satisfies [string[], unknown[]][]) {
        const plan = await explain(order, values, direction);
        expect(plan).to.match(goesThere).and.not.match(sorts);
      }
    });

    it(`${direction} a row among those of a filter`, async () => {
      const plan = await explain(['created_at desc'], [2_500, id], direction, true);
      expect(plan).to.match(goesThere).and.not.match(sorts);
    });

    it(`${direction} a row in mixed directions: straight to the first column's value`, async () => {
      expect(await explain(['score desc', 'name'], [250, 'n', id], direction)).to.match(goesThere);
    });
  }

  it('among NULLs, which come last', async () => {
    expect(await explain(['rank'], [null, id], 'after')).to.match(goesThere);
    expect(await explain(['rank'], [20, id], 'before')).to.match(goesThere);
  });
});
