import { expect } from 'chai';
import type { Cursor } from '../../../src/core/domain/page.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { Repository } from '../../../src/core/repository/repository.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { makeThing, openThings, thingColumns, type Tables, type Thing } from './things.ts';

describeOnEachDatabase('an order that tells rows apart needs no tie-breaker', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: Repository<Tables, 'things', Thing, { data: unknown }>;
  let sent: string[] = [];
  const [owner, other] = [crypto.randomUUID(), crypto.randomUUID()];

  before(async () => {
    provider = await openThings(database, { onStatement: ({ sql }) => void sent.push(sql) });
    await provider.exec('create unique index things_owner_score on things (owner, score)');
    await provider.exec('create unique index things_rank on things (rank)');
    things = new Repository(provider, {
      table: 'things',
      key: 'id',
      version: 'version',
      unique: [['owner', 'score'], ['rank']],
      columns: thingColumns,
      mapper: { fromRow: (row): Thing => row, toRow: (thing: Thing) => thing },
    });
    await things.insertMany(
      [owner, other].flatMap((id, round) =>
        Array.from({ length: 7 }, (_, score) =>
          makeThing({ owner: id, score, rank: round === 0 ? score : null }),
        ),
      ),
    );
  });
  beforeEach(() => {
    sent = [];
  });
  after(() => provider.close());

  const orders = () =>
    sent.map((text) => /order by ([^()]*?)(?: limit|$)/u.exec(text)?.[1]?.replaceAll('"', ''));

  it('where the filter and the order hold a unique constraint', async () => {
    await things.findMany({ owner }, { orderBy: 'score desc' });
    await things.findMany({ owner: { eq: owner } }, { orderBy: ['score', 'name'] });
    expect(orders()).to.deep.equal(['score desc', 'score asc, name asc']);
  });

  it('and where they do not, the key follows', async () => {
    await things.findMany({}, { orderBy: 'score' });
    await things.findMany({ owner: { in: [owner] } }, { orderBy: 'score' });
    await things.findMany({ owner: { ne: owner } }, { orderBy: 'score' });
    await things.findMany({ not: { owner } }, { orderBy: 'score' });
    await things.findMany({ owner: null }, { orderBy: 'score desc' });
    expect(orders()).to.deep.equal([
      'score asc, id asc',
      'score asc, id asc',
      'score asc, id asc',
      'score asc, id asc',
      'score desc, id desc',
    ]);
  });

  it('nor does a column tell rows apart that may be NULL', async () => {
    const ranked = await things.findMany({}, { orderBy: 'rank' });
    expect(orders()).to.deep.equal(['rank asc nulls last, id asc']);
    const unranked = ranked.slice(7).map(({ id }) => id);
    expect(unranked).to.deep.equal(unranked.toSorted());
  });

  it('and one row needs no order at all', async () => {
    expect((await things.findFirst({ rank: 3 }))?.owner).to.equal(owner);
    await things.findMany({ owner, score: 3 });
    await things.findFirst({ rank: null });
    expect(orders()).to.deep.equal([undefined, undefined, 'id asc']);
  });

  it('while pages and streams meet every row once, in both directions', async () => {
    const scores = [6, 5, 4, 3, 2, 1, 0];
    const ask = { orderBy: 'score desc', limit: 2 } as const;
    const forwards: number[] = [];
    let page = await things.page({ owner }, ask);
    let last: Cursor | undefined;
    for (;;) {
      forwards.push(...page.items.map(({ score }) => score));
      if (page.nextCursor === undefined) break;
      page = await things.page({ owner }, { ...ask, after: page.nextCursor });
      last = page.previousCursor;
    }
    expect(forwards).to.deep.equal(scores);
    const backwards: number[] = page.items.map(({ score }) => score);
    for (let before = last; before !== undefined; before = page.previousCursor) {
      page = await things.page({ owner }, { ...ask, before });
      backwards.unshift(...page.items.map(({ score }) => score));
    }
    expect(backwards).to.deep.equal(scores);
    const streamed: number[] = [];
    for await (const { score } of things.stream({ owner }, { orderBy: 'score desc', chunkSize: 2 })) {
      streamed.push(score);
    }
    expect(streamed).to.deep.equal(scores);
    const [one] = (await things.page({ owner, score: 3 }, { limit: 1 })).items;
    expect(one?.score).to.equal(3);
  });
});
