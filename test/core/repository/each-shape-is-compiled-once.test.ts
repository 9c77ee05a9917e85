import { expect } from 'chai';
import fc from 'fast-check';
import { sql } from 'kysely';
import type { Cursor } from '../../../src/core/domain/page.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import type { Filter } from '../../../src/core/query/filter.ts';
import type { OrderBy } from '../../../src/core/query/order.ts';
import { CompileCounter } from '../../support/compile-counter.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { filtersFor, orders } from './random-filter.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type Thing,
  type ThingRepository,
  type ThingsTable,
} from './things.ts';

const questions = fc.record({
  kind: fc.constantFrom('find', 'first', 'count', 'exists', 'pages', 'stream'),
  orderBy: fc.option(orders, { nil: undefined }),
  limit: fc.integer({ min: 1, max: 4 }),
  isLimited: fc.boolean(),
});
type Question = typeof questions extends fc.Arbitrary<infer Value> ? Value : never;

/** Asks in one of the ways that there are, and for pages forwards and backwards. */
async function answerOf(
  things: ThingRepository,
  asked: Record<string, unknown>,
  { kind, limit, isLimited, ...question }: Question,
): Promise<unknown> {
  const filter = asked as Filter<ThingsTable, { data: unknown }>;
  const orderBy = question.orderBy as OrderBy<Omit<ThingsTable, 'data'>> | undefined;
  const order = orderBy === undefined ? {} : { orderBy };
  switch (kind) {
    case 'find':
      return things.findMany(filter, { ...order, ...(isLimited ? { limit } : {}) });
    case 'first':
      return things.findFirst(filter, order);
    case 'count':
      return things.count(filter);
    case 'exists':
      return things.exists(filter);
    case 'stream': {
      const streamed: Thing[] = [];
      for await (const thing of things.stream(filter, { ...order, chunkSize: limit })) streamed.push(thing);
      return streamed;
    }
    default: {
      const first = await things.page(filter, { ...order, limit });
      const { nextCursor: cursor } = first;
      if (cursor === undefined) return [first];
      const both = ['after', 'before'].map((side) =>
        things.page(filter, { ...order, limit, [side]: cursor }),
      );
      return [first, ...(await Promise.all(both))];
    }
  }
}

describeOnEachDatabase('each shape of a statement is compiled once', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  const compiled = new CompileCounter();

  before(async () => {
    provider = await openThings(database, { engines: compiled.engines });
  });
  beforeEach(() => {
    things = createThingRepository(provider);
  });
  after(() => provider.close());

  async function countOf(work: () => Promise<unknown>): Promise<number> {
    const before = compiled.count;
    await work();
    return compiled.count - before;
  }

  it('for all that has a fixed shape, in and outside of transactions', async () => {
    for (let round = 0; round < 4; round += 1) {
      const expected = round === 0 ? [1, 1, 1, 1, 1, 1] : [0, 0, 0, 0, 0, 0];
      const thing = makeThing({ name: `n${round}` });
      const counts = [
        await countOf(() => things.insert(thing)),
        await countOf(() => things.getById(thing.id)),
        await countOf(() => things.update(thing)),
        await countOf(() => things.upsert({ ...thing, version: 2 })),
        await countOf(() => provider.transaction((on) => things.findMany({}, { on }))),
        await countOf(() => things.delete({ ...thing, version: 3 })),
      ];
      expect(counts).to.deep.equal(expected);
    }
  });

  it('for filters, whatever their values', async () => {
    const ask = (score: number, name: string, list: number[]) =>
      things.findMany(
        { score, or: [{ name: { like: name } }, { rank: { in: list } }], data: { path: ['a', 0], eq: name } },
        { orderBy: ['score desc', 'name'], limit: list.length },
      );
    expect(await countOf(() => ask(1, 'a%', [1]))).to.equal(1);
    expect(await countOf(() => ask(2, '%', [1, 2, 3]))).to.equal(0);
    const other = () => things.findMany({ score: 1, name: { contains: 'a' } });
    expect(await countOf(other)).to.equal(1);
    expect(await countOf(() => things.findMany({ name: { contains: 'b' } }))).to.equal(1);
    expect(await countOf(other)).to.equal(0);
  });

  it('and a selection is part of the shape', async () => {
    await things.insert(makeThing({ name: 'selected' }));
    const filter = { name: 'selected' };
    const keysOf = (rows: readonly object[]) => Object.keys(rows[0] ?? {});
    for (let round = 0; round < 2; round += 1) {
      expect(keysOf(await things.findMany(filter))).to.have.length(11);
      expect(keysOf(await things.findMany(filter, { select: ['id'] }))).to.deep.equal(['id']);
      expect(keysOf(await things.findMany(filter, { select: ['name', 'id'] }))).to.deep.equal(['name', 'id']);
    }
  });

  it('for pages: the first one, and those behind and ahead of a cursor', async () => {
    await things.insertMany(Array.from({ length: 9 }, (_, score) => makeThing({ score })));
    const orderBy = 'score desc';
    const first = await things.page({}, { orderBy, limit: 2 });
    let { nextCursor: after } = first;
    const counts: number[] = [];
    let before: Cursor | undefined;
    for (let turn = 0; turn < 3; turn += 1) {
      counts.push(
        await countOf(async () => {
          ({ nextCursor: after, previousCursor: before } = await things.page(
            {},
            { orderBy, limit: 2, after },
          ));
        }),
      );
    }
    expect(counts).to.deep.equal([1, 0, 0]);
    expect(await countOf(() => things.page({}, { orderBy, limit: 3, before }))).to.equal(1);
    expect(await countOf(() => things.page({}, { orderBy, limit: 4, before }))).to.equal(0);
  });

  it('and one shape never answers for another: a warm repository answers like a cold one', async () => {
    const rows = Array.from({ length: 40 }, (_, index) =>
      makeThing({
        name: ['a', 'b', ''][index % 3]!,
        label: index % 4 === 0 ? null : 'a',
        score: (index % 7) - 3,
        rank: index % 5 === 0 ? null : index % 3,
        weight: index % 2 === 0 ? null : 0.1,
        data: ['null', '{"a":[1,"a",true]}', '{"b":{"a":"b"}}', '["a"]'][index % 4]!,
      }),
    );
    await things.insertMany(rows);
    const property = fc.asyncProperty(
      // The same filter several times, so that the same condition stands in statements of every kind.
      fc.array(fc.tuple(filtersFor(rows), fc.array(questions, { maxLength: 6 })), {
        minLength: 1,
        maxLength: 3,
      }),
      async (rounds) => {
        for (const [filter, asked] of rounds) {
          for (const question of asked) {
            const answer = await answerOf(things, filter, question);
            expect(answer).to.deep.equal(await answerOf(createThingRepository(provider), filter, question));
          }
        }
      },
    );
    await fc.assert(property, { numRuns: soakCount(500) });
  });

  it('nor does one column, type, path or length of a list for another', async () => {
    interface PairTables {
      pairs: {
        id: number;
        left: string | null;
        right: string | null;
        weight: number | null;
        note: string | null;
      };
    }
    interface Pair {
      readonly id: number;
      readonly left?: string;
      readonly right?: string;
      readonly weight?: number;
      readonly note?: string;
    }
    const own = provider as unknown as DatabaseProvider<PairTables>;
    const t = own.migrations.columns.table('pairs');
    await own.db.schema
      .createTable('pairs')
      .addColumn('id', t.integer('id'), (column) => column.primaryKey().notNull())
      .addColumn('left', t.json('left'))
      .addColumn('right', t.json('right'))
      .addColumn('weight', database.name === 'postgres' ? sql`double precision` : sql`real`)
      .addColumn('note', t.text('note'))
      .modifyEnd(t.end)
      .execute();
    const pairs = new Repository<PairTables, 'pairs', Pair, { left: unknown; right: unknown }>(own, {
      table: 'pairs',
      key: 'id',
      columns: { id: 'integer', left: 'json?', right: 'json?', weight: 'real?', note: 'text?' },
      mapper: { fromRow: (row) => ({ ...row }) as unknown as Pair, toRow: (pair) => pair },
    });
    await pairs.insert({ id: 1, left: '{"a":"x"}', right: '{"a":1}' });
    await pairs.insert({ id: 2, left: '{"a":true}', weight: 0.5 });
    await pairs.insert({ id: 3, right: '{"a":"x","b":"y"}', weight: 1.5 });
    const idsOf = async (filter: Filter<PairTables['pairs'], { left: unknown; right: unknown }>) =>
      (await pairs.findMany(filter)).map(({ id }) => id);
    for (let round = 0; round < 2; round += 1) {
      expect(await idsOf({ left: { path: ['a'], eq: 'x' } })).to.deep.equal([1]);
      expect(await idsOf({ right: { path: ['a'], eq: 'x' } })).to.deep.equal([3]);
      expect(await idsOf({ right: { path: ['b'], eq: 'y' } })).to.deep.equal([3]);
      expect(await idsOf({ right: { path: ['a'], eq: 1 } })).to.deep.equal([1]);
      expect(await idsOf({ left: { path: ['a'], eq: 1 } })).to.deep.equal([]);
      expect(await idsOf({ left: { path: ['a'], eq: true } })).to.deep.equal([2]);
      expect(await idsOf({ weight: { in: [0.5] } })).to.deep.equal([2]);
      expect(await idsOf({ weight: { in: [0.5, 1.5] } })).to.deep.equal([2, 3]);
    }
    await pairs.update({ id: 1, note: 'n' });
    await pairs.update({ id: 1, weight: 2.5 });
    await pairs.update({ id: 1, left: '{}' });
    expect(await pairs.getById(1)).to.include({ note: 'n', weight: 2.5, left: '{}' });
    await own.db.schema.dropTable('pairs').execute();
  });

  it('and a path that its caller changes later is as it was when it was handed in', async () => {
    const path = ['a'];
    const [one, other] = [makeThing({ data: '{"a":7,"b":8}' }), makeThing({ data: '{"a":8,"b":7}' })];
    await things.insertMany([one, other]);
    const changed = things.stream({ data: { path, eq: 7 } });
    path[0] = 'b';
    const unchanged = things.stream({ data: { path: ['a'], eq: 7 } });
    for (const stream of [changed, unchanged]) {
      const found = [];
      for await (const { id } of stream) found.push(id);
      expect(found).to.deep.equal([one.id]);
    }
  });

  it('while it keeps no more than some hundred of them', async () => {
    for (let index = 0; index < 600; index += 1) {
      await things.exists({ data: { path: [`member-${index}`], isNull: false } });
    }
    const ask = (index: number) =>
      countOf(() => things.exists({ data: { path: [`member-${index}`], isNull: false } }));
    expect(await ask(599)).to.equal(0);
    expect(await ask(0)).to.equal(1);
    // Those that were used last.
    expect(await ask(250)).to.equal(0);
    for (let index = 600; index < 1_050; index += 1) {
      await things.exists({ data: { path: [`member-${index}`], isNull: false } });
    }
    expect(await ask(250)).to.equal(0);
    expect(await ask(251)).to.equal(1);
  });

  it('and none that is long: it would fill the memory, and is hardly ever asked twice', async () => {
    const filterOf = (length: number, times = 1) => ({
      data: Array.from({ length: times }, () => ({
        path: ['m'.repeat(length)],
        in: ['a', 1, true] as never,
      })),
    });
    const short = filterOf(1_000);
    await things.exists(short);
    expect(await countOf(() => things.exists(short))).to.equal(0);
    for (const long of [filterOf(60_000), filterOf(1, 330)]) {
      await things.exists(long);
      expect(await countOf(() => things.exists(long))).to.equal(1);
    }
  });
});
