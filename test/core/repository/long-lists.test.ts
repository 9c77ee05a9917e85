import { expect } from 'chai';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { createThingRepository, makeThing, openThings, type Tables, type ThingRepository } from './things.ts';

describeOnEachDatabase('lists of any length are asked for by one statement', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  const stored = Array.from({ length: 3_000 }, (_, index) =>
    makeThing({
      name: `n${index}`,
      score: index,
      weight: index / 7,
      data: JSON.stringify({ w: index / 7, s: `n${index}` }),
    }),
  );

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
    await things.insertMany(stored);
  });

  after(() => provider.close());

  for (const length of [10_000, 40_000]) {
    it(`${length} integers, texts and ids, of which some are there`, async () => {
      const scores = Array.from({ length }, (_, index) => index * 2);
      expect(await things.count({ score: { in: scores } })).to.equal(1_500);
      expect(await things.count({ name: { in: scores.map((score) => `n${score}`) } })).to.equal(1_500);
      const ids = Array.from(
        { length },
        (_, index) => stored[index]?.id.toUpperCase() ?? crypto.randomUUID(),
      );
      expect(await things.count({ id: { in: ids } })).to.equal(3_000);
      expect(await things.count({ data: { path: ['s'], in: scores.map((score) => `n${score}`) } })).to.equal(
        1_500,
      );
    });
  }

  it('10,000 fractions, bit for bit', async () => {
    const weights = Array.from({ length: 10_000 }, (_, index) => index / 7);
    expect(await things.count({ weight: { in: weights } })).to.equal(3_000);
    expect(await things.count({ data: { path: ['w'], in: weights } })).to.equal(3_000);
  });

  it('an empty one holds nothing, and its complement everything', async () => {
    expect(await things.count({ score: { in: [] } })).to.equal(0);
    expect(await things.count({ not: { score: { in: [] } } })).to.equal(3_000);
    expect(await things.findMany({ id: { in: [] } })).to.deep.equal([]);
  });

  it('empty combinations: `and` holds everything, `or` nothing', async () => {
    expect(await things.count({ and: [] })).to.equal(3_000);
    expect(await things.count({ or: [] })).to.equal(0);
    expect(await things.count({ or: [{}] })).to.equal(3_000);
    expect(await things.count({ not: {} })).to.equal(0);
  });

  it('a thousand conditions, flat and nested fifty deep', async () => {
    const many = Array.from({ length: 500 }, (_, score) => ({ score }));
    expect(await things.count({ or: many })).to.equal(500);
    let nested: object = { score: { lt: 10 } };
    for (let depth = 0; depth < 48; depth += 1) nested = { not: nested };
    expect(await things.count(nested)).to.equal(10);
  });
});
