import { expect } from 'chai';
import type { KyselyPlugin, Selectable } from 'kysely';
import {
  Repository,
  StaleEntityError,
  UniqueViolationError,
  UnitOfWork,
  type DatabaseProvider,
  type RepositoryProvider,
} from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { CompileCounter } from '../../support/compile-counter.ts';
import { rejectionOf } from '../../support/rejection.ts';
import {
  createThingRepository,
  makeThing,
  openThings,
  thingColumns,
  type Tables,
  type Thing,
} from '../repository/things.ts';
import { openUnits, scored, type Units } from './units.ts';

const options = {
  table: 'things',
  key: 'id',
  version: 'version',
  insertOnly: ['created_at'],
  columns: thingColumns,
  mapper: {
    fromRow: (row: Selectable<Tables['things']>) => Object.freeze({ ...row }),
    toRow: (thing: Thing) => thing,
  },
} as const;

/** A repository of an application's own: private state, a constructor of its own, statements of its own. */
class RankedThings extends Repository<Tables, 'things', Thing> {
  readonly #least: number;
  #asked = 0;

  constructor(provider: RepositoryProvider<Tables>, least = 0) {
    super(provider, options);
    this.#least = least;
  }

  get asked(): number {
    return this.#asked;
  }

  async best(): Promise<Thing[]> {
    this.#asked += 1;
    const rows = await this.query()
      .selectAll()
      .where('score', '>=', this.#least)
      .orderBy('score', 'desc')
      .execute();
    return rows.map((row) => this.toEntity(row));
  }
}

/** The same table, known by another name: its statements are others. */
class ThingsByName extends Repository<Tables, 'things', Thing, unknown, 'name'> {
  constructor(provider: RepositoryProvider<Tables>) {
    super(provider, { ...options, key: 'name' });
  }
}

interface PairTables {
  pairs: { left_id: number; right_id: number; weight: number };
}

describeOnEachDatabase('repositories are bound to their unit', (database) => {
  let units: Units;

  before(async () => {
    units = await openUnits(database);
  });
  beforeEach(() => units.provider.db.deleteFrom('things').execute());
  afterEach(() => expect(units.provider.stats()).to.include({ busy: 0, waiting: 0 }));
  after(() => units.provider.close());

  it('those with private state and arguments of their own as well', async () => {
    const { provider } = units;
    const unitOfWork = new UnitOfWork(provider, {
      repositories: {
        ranked: (target) => new RankedThings(target, 5),
        all: (target) => new RankedThings(target),
      },
    });
    await unitOfWork.run(async ({ repositories: { ranked, all } }) => {
      await all.insertMany([3, 5, 7].map((score) => scored(score)));
      expect((await ranked.best()).map(({ score }) => score)).to.deep.equal([7, 5]);
      expect((await all.best()).map(({ score }) => score)).to.deep.equal([7, 5, 3]);
      expect(ranked.asked).to.equal(1);
    });
  });

  it('two classes on one table share no statements that differ', async () => {
    const { provider } = units;
    const unitOfWork = new UnitOfWork(provider, {
      repositories: {
        things: createThingRepository,
        named: (target) => new ThingsByName(target),
        ranked: (target) => new RankedThings(target),
      },
    });
    const thing = makeThing({ name: 'first' });
    for (let round = 0; round < 3; round += 1)
      await unitOfWork.run(async ({ repositories: { things, named, ranked } }) => {
        if (round === 0) await things.insert(thing);
        expect((await named.getById('first')).id).to.equal(thing.id);
        expect((await things.getById(thing.id)).name).to.equal('first');
        expect((await ranked.getById(thing.id)).name).to.equal('first');
      });
  });

  it('each is made once a unit, when it is first asked for, and anew for the next attempt', async () => {
    let made = 0;
    const unitOfWork = new UnitOfWork(units.provider, {
      repositories: {
        things: (target) => {
          made += 1;
          return createThingRepository(target);
        },
      },
      services: {
        count:
          ({ repositories }) =>
          () =>
            repositories.things.count({}),
      },
    });
    await unitOfWork.run(async () => undefined);
    expect(made).to.equal(0);
    await unitOfWork.run(async ({ repositories, count }) => {
      expect(repositories.things).to.equal(repositories.things);
      expect(await count()).to.equal(0);
      await unitOfWork.run(async (nested) =>
        expect(nested.repositories.things).not.to.equal(repositories.things),
      );
    });
    expect(made).to.equal(2);
  });

  it('however many units there are, each statement is compiled once', async () => {
    const compiled = new CompileCounter();
    const { provider, unitOfWork } = await openUnits(database, { engines: compiled.engines });
    const counts: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      await unitOfWork.run(async ({ repositories: { things } }) => {
        const thing = scored(round);
        await things.insert(thing);
        await things.update(thing);
        await unitOfWork.run((nested) => nested.repositories.things.findMany({ score: round }));
      });
      counts.push(compiled.count);
    }
    expect(new Set(counts).size).to.equal(1);
    await provider.close();
  });

  it('inserts of several chunks, streams and versions belong to it', async () => {
    const many = Array.from({ length: 3_000 }, (_, score) => scored(score));
    const mine = new Error('mine');
    const fail = units.unitOfWork.run(async ({ repositories: { things } }) => {
      await things.insertMany(many);
      let seen = 0;
      for await (const thing of things.stream({}, { chunkSize: 700 })) seen += thing.score >= 0 ? 1 : 0;
      expect(seen).to.equal(3_000);
      throw mine;
    });
    expect(await rejectionOf(fail)).to.equal(mine);
    expect(await units.scores()).to.deep.equal([]);
    await units.unitOfWork.run(async ({ repositories: { things } }) => {
      const [first] = many as [Thing];
      await things.insert(first);
      const changed = await things.update({ ...first, score: 10 });
      expect(changed.version).to.equal(2);
      const nested = units.unitOfWork.run((inner) =>
        inner.repositories.things.update({ ...first, score: 11 }),
      );
      expect(await rejectionOf(nested)).to.be.instanceOf(StaleEntityError);
      await things.delete(changed);
    });
    const twice = units.unitOfWork.run(({ repositories: { things } }) =>
      things.insertMany([...many, ...many.slice(-1)]),
    );
    expect(await rejectionOf(twice)).to.be.instanceOf(UniqueViolationError);
    expect(await units.scores()).to.deep.equal([]);
  });

  it('those of composite keys, and those behind plugins', async () => {
    let results = 0;
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        results += 1;
        return result;
      },
    };
    const plain = await openThings(database, { plugins: [plugin] });
    const provider = plain as unknown as DatabaseProvider<PairTables>;
    await provider.exec(
      'create table pairs (left_id integer, right_id integer, weight integer, primary key (left_id, right_id))',
    );
    const unitOfWork = new UnitOfWork(provider, {
      repositories: {
        pairs: (target) =>
          new Repository<PairTables, 'pairs', PairTables['pairs'], unknown, 'left_id' | 'right_id'>(target, {
            table: 'pairs',
            key: ['left_id', 'right_id'],
            columns: { left_id: 'integer', right_id: 'integer', weight: 'integer' },
            mapper: { fromRow: (row) => ({ ...row }), toRow: (pair) => pair },
          }),
      },
    });
    const pair = { left_id: 1, right_id: 2, weight: 3 };
    await unitOfWork.run(async ({ repositories: { pairs } }) => {
      await pairs.insert(pair);
      expect(await pairs.getById({ left_id: 1, right_id: 2 })).to.deep.equal(pair);
      const before = results;
      await pairs.update({ ...pair, weight: 4 });
      expect(results).to.equal(before + 1);
    });
    const undone = unitOfWork.run(async ({ repositories: { pairs } }) => {
      await pairs.update({ ...pair, weight: 5 });
      throw new Error('mine');
    });
    await rejectionOf(undone);
    const rows = await provider.query<{ weight: number }>('select weight from pairs');
    expect(rows.map(({ weight }) => weight)).to.deep.equal([4]);
    await plain.close();
  });
});
