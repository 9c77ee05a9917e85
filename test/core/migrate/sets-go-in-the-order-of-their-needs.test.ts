import { expect } from 'chai';
import fc from 'fast-check';
import {
  ConfigurationError,
  MigrationError,
  ValidationError,
  type DatabaseProvider,
} from '../../../src/core/index.ts';
import {
  migrateToLatest,
  orderSets,
  requireNeeds,
  shareStepsDown,
  type MigrationSet,
} from '../../../src/core/migrate/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { openUntyped } from './sample-history.ts';

const setOf = (name: string, ...requires: string[]): MigrationSet => ({ name, requires, migrations: [] });
const namesOf = (sets: readonly MigrationSet[]): string[] => sets.map(({ name }) => name);

describe('sets go in the order of their needs', () => {
  it('else in the order in which they are given', () => {
    expect(namesOf(orderSets([setOf('c'), setOf('a'), setOf('b')]))).to.deep.equal(['c', 'a', 'b']);
    expect(namesOf(orderSets([setOf('c', 'a'), setOf('b'), setOf('a')]))).to.deep.equal(['a', 'c', 'b']);
    expect(namesOf(orderSets([setOf('c', 'b'), setOf('b', 'a'), setOf('a')]))).to.deep.equal(['a', 'b', 'c']);
  });

  it('whatever they need', () => {
    // Each set may need those of a smaller number, so that there is an order.
    const needs = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(needs, fc.infiniteStream(fc.nat()), (lists, shuffle) => {
        const sets = lists.map((list, index) =>
          setOf(`s${index}`, ...new Set(list.filter((need) => need < index).map((need) => `s${need}`))),
        );
        const given = sets
          .map((set) => ({ set, key: shuffle.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ set }) => set);
        const ordered = orderSets(given);
        expect(namesOf(ordered).sort()).to.deep.equal(namesOf(sets).sort());
        const places = new Map(ordered.map(({ name }, place) => [name, place]));
        for (const { name, requires = [] } of ordered) {
          for (const need of requires) expect(places.get(need)).to.be.lessThan(places.get(name) as number);
        }
      }),
    );
  });

  for (const [title, sets] of [
    ['one name twice', [setOf('a'), setOf('a')]],
    ['a set that is not there', [setOf('a', 'b')]],
    ['a circle', [setOf('a', 'b'), setOf('b', 'c'), setOf('c', 'a')]],
  ] as const) {
    it(`not with ${title}`, () => {
      expect(() => orderSets(sets)).to.throw(ConfigurationError);
    });
  }

  for (const name of ['a', 'B', '']) {
    it(`not with a need of "${name}"`, () => {
      expect(() => orderSets([setOf('a', name)])).to.throw(ValidationError);
    });
  }
});

describeOnEachDatabase('sets that need each other', (database) => {
  let provider: DatabaseProvider<any>;
  beforeEach(async () => {
    provider = openUntyped({ url: await database.freshUrl() });
  });
  afterEach(() => provider.close());

  const owners: MigrationSet = {
    name: 'owners',
    migrations: [
      {
        name: '0001-owners',
        up: (db, t) => t.createTable(db, 'owners', (c) => ({ id: c.id() })),
        down: (db) => db.schema.dropTable('owners').execute(),
      },
    ],
  };
  const pets: MigrationSet = {
    name: 'pets',
    requires: ['owners'],
    migrations: [
      {
        name: '0001-pets',
        up: (db, t) => t.createTable(db, 'pets', (c) => ({ id: c.id(), owner_id: c.references('owners') })),
        down: (db) => db.schema.dropTable('pets').execute(),
      },
    ],
  };

  it('are run to their latest, one behind the other', async () => {
    const reports = await migrateToLatest(provider, [pets, owners]);
    expect(reports.map(({ set, current }) => [set, current])).to.deep.equal([
      ['owners', '0001-owners'],
      ['pets', '0001-pets'],
    ]);
    expect((await migrateToLatest(provider, [pets, owners])).flatMap(({ applied }) => applied)).to.deep.equal(
      [],
    );
  });

  it('share the steps down, the last set first', async () => {
    await migrateToLatest(provider, [pets, owners]);
    const shares = await shareStepsDown(provider, [owners, pets], [owners, pets], 5);
    expect(shares.map(({ set, steps }) => [set.name, steps])).to.deep.equal([
      ['pets', 1],
      ['owners', 1],
    ]);
    expect(await shareStepsDown(provider, [owners, pets], [owners, pets], 1)).to.have.lengthOf(1);
  });

  it('do not go down in part where one of them is irreversible', async () => {
    const final = {
      ...owners,
      migrations: owners.migrations.map(({ name, up }) => ({ name, up, irreversible: 'No.' })),
    };
    await migrateToLatest(provider, [pets, final]);
    expect(await rejectionOf(shareStepsDown(provider, [final, pets], [final, pets], 2))).to.be.instanceOf(
      MigrationError,
    );
  });

  it('neither go up before what they need, nor down below what needs them', async () => {
    expect(await rejectionOf(requireNeeds(provider, [pets], [owners, pets]))).to.be.instanceOf(
      MigrationError,
    );
    await migrateToLatest(provider, [pets, owners]);
    await requireNeeds(provider, [pets], [owners, pets]);
    expect(await rejectionOf(shareStepsDown(provider, [owners], [owners, pets], 1))).to.be.instanceOf(
      MigrationError,
    );
  });

  it('are not run where one is missing', async () => {
    expect(await rejectionOf(migrateToLatest(provider, [pets]))).to.be.instanceOf(ConfigurationError);
  });
});
