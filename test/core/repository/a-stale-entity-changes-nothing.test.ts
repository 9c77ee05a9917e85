import { expect } from 'chai';
import { NotFoundError, StaleEntityError } from '../../../src/core/foundation/errors/entity-errors.ts';
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

describeOnEachDatabase('a stale entity changes nothing', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;
  let thing: Thing;

  before(async () => {
    provider = await openThings(database);
    things = createThingRepository(provider);
  });

  beforeEach(async () => {
    thing = await things.insert(makeThing({ name: 'first' }));
  });

  after(() => provider.close());

  it('an update gives the entity with its next version, and keeps what is only inserted', async () => {
    const updated = await things.update({ ...thing, name: 'second', created_at: 7 });
    expect(updated).to.deep.equal({ ...thing, name: 'second', version: 2 });
    expect(await things.getById(thing.id)).to.deep.equal(updated);
  });

  it('an update of an older version is refused, with both versions', async () => {
    await things.update({ ...thing, name: 'second' });
    const error = await rejectionOf(things.update({ ...thing, name: 'third' }));
    expect(error)
      .to.be.instanceOf(StaleEntityError)
      .and.include({ table: 'things', expectedVersion: 1, actualVersion: 2 });
    expect((await things.getById(thing.id)).name).to.equal('second');
  });

  it('so is a delete', async () => {
    const updated = await things.update(thing);
    const error = await rejectionOf(things.delete(thing));
    expect(error).to.be.instanceOf(StaleEntityError).and.include({ expectedVersion: 1, actualVersion: 2 });
    await things.delete(updated);
    expect(await things.findById(thing.id)).to.equal(undefined);
  });

  it('a delete by the key asks for no version, and tells whether there was such an entity', async () => {
    const other = await things.insert(makeThing({ name: 'other' }));
    await things.update(thing);
    expect(await things.deleteById(thing.id)).to.equal(true);
    expect(await things.deleteById(thing.id)).to.equal(false);
    expect(await things.findById(thing.id)).to.equal(undefined);
    expect(await things.findById(other.id)).to.deep.equal(other);
    expect(await rejectionOf(things.deleteById('none'))).to.be.instanceOf(ValidationError);
  });

  it('what is not there is not found', async () => {
    await things.delete(thing);
    for (const work of [
      () => things.update(thing),
      () => things.delete(thing),
      () => things.getById(thing.id),
    ]) {
      expect(await rejectionOf(work()))
        .to.be.instanceOf(NotFoundError)
        .and.include({ table: 'things' });
    }
  });

  it('an entity without a version cannot be changed', async () => {
    const { version: _, ...versionless } = thing;
    expect(await rejectionOf(things.update(versionless as Thing))).to.be.instanceOf(ValidationError);
    expect(await rejectionOf(things.delete(versionless as Thing))).to.be.instanceOf(ValidationError);
  });

  it('of twenty who change one version at once, one succeeds', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, rank) => things.update({ ...thing, rank })),
    );
    const failures = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    expect(failures).to.have.length(19);
    for (const error of failures) expect(error).to.be.instanceOf(StaleEntityError);
    expect((await things.getById(thing.id)).version).to.equal(2);
  });

  it('every method runs in the transaction that it is given', async () => {
    const other = makeThing({ name: 'other' });
    await rejectionOf(
      provider.transaction(async (tx) => {
        const on = { on: tx };
        await things.insert(other, on);
        await things.update({ ...other, name: 'changed' }, on);
        await things.upsert(makeThing({ id: other.id, name: 'again' }), on);
        expect((await things.getById(other.id, on)).version).to.equal(3);
        expect((await things.findMany({ name: 'again' }, on)).length).to.equal(1);
        expect((await things.findFirst({ name: 'again' }, on))?.id).to.equal(other.id);
        expect(await things.count({ name: 'again' }, on)).to.equal(1);
        expect(await things.exists({ name: 'again' }, on)).to.equal(true);
        expect((await things.page({ name: 'again' }, on)).items).to.have.length(1);
        for await (const { id } of things.stream({ name: 'again' }, on)) expect(id).to.equal(other.id);
        expect(await things.query(on).select('id').where('name', '=', 'again').execute()).to.have.length(1);
        await things.delete({ ...other, version: 3 }, on);
        await things.delete(thing, on);
        throw new Error('roll back');
      }),
    );
    expect(await things.findById(other.id)).to.equal(undefined);
    expect(await things.getById(thing.id)).to.deep.equal(thing);
  });
});

describeOnEachDatabase('an upsert stores an entity once', (database) => {
  let provider: DatabaseProvider<Tables>;
  let things: ThingRepository;

  before(async () => {
    provider = await openThings(database);
    await provider.db.schema.createIndex('things_name').on('things').column('name').unique().execute();
    things = createThingRepository(provider);
  });

  after(() => provider.close());

  it('as it is, where it is new', async () => {
    const thing = makeThing({ name: 'new', version: 1 });
    expect(await things.upsert(thing)).to.deep.equal(thing);
  });

  it('over the row with its key, whose version grows and whose first time stays', async () => {
    const thing = await things.insert(makeThing({ name: 'old' }));
    const stored = await things.upsert({ ...thing, name: 'renamed', version: 1, created_at: 9 });
    expect(stored).to.deep.equal({ ...thing, name: 'renamed', version: 2 });
  });

  it('over the row with the same unique value, which keeps its key', async () => {
    const thing = await things.insert(makeThing({ name: 'unique' }));
    const stored = await things.upsert(makeThing({ name: 'unique', score: 5 }), { conflict: ['name'] });
    expect(stored).to.deep.equal({ ...thing, score: 5, version: 2 });
  });

  it('fifty times at once', async () => {
    const upserts = Array.from({ length: 50 }, (_, score) =>
      things.upsert(makeThing({ name: 'contended', score }), { conflict: ['name'] }),
    );
    const stored = await Promise.all(upserts);
    expect(new Set(stored.map(({ id }) => id)).size).to.equal(1);
    expect(stored.map(({ version }) => version).toSorted((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  it('and only by columns of the table', async () => {
    for (const conflict of [[], ['colour']]) {
      const error = await rejectionOf(things.upsert(makeThing(), { conflict: conflict as never }));
      expect(error).to.be.instanceOf(ValidationError);
    }
  });
});
