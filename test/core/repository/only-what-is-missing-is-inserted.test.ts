import { expect } from 'chai';
import { QueryError } from '../../../src/core/foundation/errors/statement-errors.ts';
import { ValidationError } from '../../../src/core/foundation/errors/validation-error.ts';
import type { DatabaseProvider } from '../../../src/core/provider/database-provider.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  type Tables,
  type Thing,
  type ThingRepository,
} from './things.ts';

const byId = (things: readonly Thing[]) => things.toSorted((a, b) => (a.id < b.id ? -1 : 1));

describeOnEachDatabase('only what is missing is inserted', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  beforeEach(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  afterEach(() => provider.close());

  it('and what is there stays as it is, in one call as over several statements', async function () {
    this.timeout(60_000);
    const many = Array.from({ length: 1_200 }, (_, index) => makeThing({ name: `thing ${index}` }));
    const there = many.filter((_, index) => index % 3 === 0);
    await things.insertMany(there);
    const again = many.map((thing) => ({ ...thing, rank: 7 }));
    const stored = await things.insertMissing(again);
    const ids = new Set(there.map(({ id }) => id));
    const missing = again.filter(({ id }) => !ids.has(id));
    // In one order: to look for each among all the others takes a thousand times as many comparisons.
    expect(byId(stored)).to.deep.equal(byId(missing));
    expect(byId(await things.findMany({}))).to.deep.equal(byId([...there, ...missing]));
    expect(await things.insertMissing(again)).to.deep.equal([]);
    expect(await things.insertMissing([])).to.deep.equal([]);
  });

  it('where no unique constraint has its columns, the database refuses it, and nothing is stored', async () => {
    const rows = [makeThing({}), makeThing({})];
    expect(await rejectionOf(things.insertMissing(rows, { conflict: ['name'] }))).to.be.instanceOf(
      QueryError,
    );
    expect(await things.count({})).to.equal(0);
  });

  it('where its columns are no columns of the table, nothing is sent', async () => {
    for (const conflict of [[], ['none'], ['id', 'id']]) {
      expect(
        await rejectionOf(things.insertMissing([makeThing({})], { conflict: conflict as never })),
      ).to.be.instanceOf(ValidationError);
    }
    expect(await things.count({})).to.equal(0);
  });
});
