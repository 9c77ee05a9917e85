import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import { cachedTarget, NoStore, type InvalidationBus } from '../../../src/core/cache/index.ts';
import { describeOnDatabase, describeOnEachDatabase } from '../../support/database.ts';
import { outside } from '../../../src/core/index.ts';
import { until } from '../../support/until.ts';
import { makePerson, openCached, peopleOf, type CachedDatabase, type People } from './cached-fixture.ts';
import { gateReads, type GatedReads } from './gated-reads.ts';

class Undo extends Error {}

describeOnEachDatabase('nothing old is kept', (database) => {
  let opened: CachedDatabase;
  let gated: GatedReads;
  let people: People;
  let told: (readonly number[])[];

  beforeEach(async () => {
    told = [];
    const bus: InvalidationBus = {
      start: (listener) => listener.onGap(),
      publish: async (slots) => void told.push(slots),
      close: async () => {},
    };
    opened = await openCached(await database.freshUrl(), { cache: { bus } });
    gated = gateReads(opened.provider);
    people = peopleOf(cachedTarget(gated.provider, { cache: opened.cache, jitter: 0 }));
    told.length = 0;
  });

  afterEach(() => opened.close());

  it('of a read that began before a commit and came back behind it', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    const open = gated.close();
    const late = people.getById(person.id);
    const lateList = people.findMany({});
    // What was read is on its way by now: the engine answers in order.
    await opened.plainPeople.findById(person.id);
    const renamed = await opened.plainPeople.update({ ...person, name: 'new' });
    open();
    await Promise.all([late, lateList]);
    const { refusedStores } = opened.cache.stats().regions['people']!;
    expect(refusedStores).to.equal(2);
    expect(await people.getById(person.id)).to.deep.equal(renamed);
    expect(await people.findMany({})).to.deep.equal([renamed]);
  });

  it('and nobody who asks behind the commit joins such a read', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    const open = gated.close();
    const late = people.getById(person.id);
    await opened.plainPeople.findById(person.id);
    const renamed = await opened.plainPeople.update({ ...person, name: 'new' });
    const behind = people.getById(person.id);
    open();
    await late;
    expect(await behind).to.deep.equal(renamed);
    expect(gated.sent).to.equal(2);
    expect(await people.getById(person.id)).to.deep.equal(renamed);
    expect(gated.sent).to.equal(2);
  });

  it('and a rollback tells nobody and loses nothing', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    await people.getById(person.id);
    told.length = 0;
    gated.sent = 0;
    const work = opened.unitOfWork.run(async ({ repositories, db }) => {
      await repositories.people.update({ ...person, name: 'never' });
      await opened.cache.invalidate({ tags: ['x'] }, { on: db });
      throw new Undo();
    });
    expect(await work.catch((error: unknown) => error)).to.be.instanceOf(Undo);
    expect(told).to.deep.equal([]);
    expect(await people.getById(person.id)).to.deep.equal(person);
    expect(gated.sent).to.equal(0);
  });

  it('and a scope inside that was undone tells of nothing, while the rest is told', async () => {
    const [one, other] = [makePerson(), makePerson()];
    await opened.plainPeople.insertMany([one, other]);
    await people.getById(one.id);
    await people.getById(other.id);
    gated.sent = 0;
    await opened.unitOfWork.run(async (unit) => {
      await unit.repositories.people.update({ ...one, name: 'kept' });
      const inner = unit.transaction(async (tx) => {
        await peopleOf(opened.provider).update({ ...other, name: 'undone' }, { on: tx });
        throw new Undo();
      });
      await inner.catch(() => {});
    });
    expect(await people.getById(one.id)).to.have.property('name', 'kept');
    expect(await people.getById(other.id)).to.deep.equal(other);
    expect(gated.sent).to.equal(1);
  });
});

describeOnDatabase('postgres', 'nothing that a commit touches is given or kept', (database) => {
  it('from before the COMMIT is sent until its outcome is known', async () => {
    const opened = await openCached(await database.freshUrl(), {
      cache: { triggers: { people: [] } },
    });
    const { provider, people, cache, unitOfWork } = opened;
    const [one, other] = [await people.insert(makePerson()), await people.insert(makePerson())];
    // A COMMIT that waits, so that there is a time for it.
    await provider.exec(
      `create function hold() returns trigger language plpgsql as 'begin perform pg_advisory_xact_lock(42); return null; end'`,
    );
    await provider.exec(
      'create constraint trigger hold after update on people deferrable initially deferred for each row execute function hold()',
    );
    await until(async () => {
      await people.getById(one.id);
      await people.getById(other.id);
      return (await cache.explain('people', one.id)).answer === 'hit';
    });
    // Until the new trigger is read, a write means everything.
    await cache.ready();
    let update: Promise<unknown> = Promise.resolve();
    await provider.transaction(async (tx) => {
      await tx.executeQuery(CompiledQuery.raw('select pg_advisory_xact_lock(42)'));
      update = outside(() =>
        unitOfWork.run(({ repositories }) => repositories.people.update({ ...one, name: 'new' })),
      );
      await outside(() => until(async () => (await cache.explain('people', one.id)).answer === 'uncached'));
      const during = await outside(() => people.getById(one.id));
      expect(during).to.deep.equal(one);
      expect(await cache.explain('people', one.id)).to.include({ answer: 'uncached' });
      expect(await cache.explain('people', other.id)).to.include({ answer: 'hit' });
    });
    await update;
    expect(await cache.explain('people', one.id)).to.include({ answer: 'miss' });
    expect(await people.getById(one.id)).to.have.property('name', 'new');
    await opened.close();
  });
});

describeOnEachDatabase('a store that has not confirmed a change', (database) => {
  it('is asked no more for what it touches, and holds nobody up for long', async () => {
    const confirmed = Promise.withResolvers<void>();
    class SlowStore extends NoStore {
      isSlow = false;
      async move(): Promise<void> {
        if (this.isSlow) await confirmed.promise;
      }
    }
    const store = new SlowStore();
    const opened = await openCached(await database.freshUrl(), { cache: { store } });
    const { people, cache, clock } = opened;
    const person = await people.insert(makePerson());
    await people.getById(person.id);
    store.isSlow = true;
    const update = people.update({ ...person, name: 'new' });
    expect(await clock.runUntil(update, { step: 1 })).to.be.at.least(49);
    expect(await cache.explain('people', person.id)).to.include({ answer: 'uncached' });
    expect(await people.getById(person.id)).to.have.property('name', 'new');
    confirmed.resolve();
    await until(async () => (await cache.explain('people', person.id)).answer === 'miss');
    await opened.close();
  });
});
