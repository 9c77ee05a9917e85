import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { makePerson, openCached } from './cached-fixture.ts';

describeOnEachDatabase('answers age', (database) => {
  it('are given for their time, then once more while they are read anew, then not at all', async () => {
    const opened = await openCached(await database.freshUrl(), {
      terms: { ttl: 1_000, staleWhileRevalidate: 500 },
    });
    const { people, clock, cache, sent } = opened;
    const person = await people.insert(makePerson());
    await people.getById(person.id);
    sent();
    clock.advance(999);
    await people.getById(person.id);
    expect(sent()).to.equal(0);
    clock.advance(2);
    expect(await cache.explain('people', person.id)).to.include({ answer: 'stale' });
    expect(await people.getById(person.id)).to.deep.equal(person);
    await until(async () => (await cache.explain('people', person.id)).answer === 'hit');
    expect(sent()).to.equal(1);
    clock.advance(1_501);
    expect(await cache.explain('people', person.id)).to.include({ answer: 'miss', reason: 'it is too old' });
    await people.getById(person.id);
    expect(sent()).to.equal(1);
    expect(cache.stats().regions['people']).to.include({ staleServed: 1, loads: 3 });
    await opened.close();
  });

  it('and nothing stale is given of what has changed', async () => {
    const opened = await openCached(await database.freshUrl(), {
      terms: { ttl: 1_000, staleWhileRevalidate: 500 },
    });
    const { people, clock } = opened;
    const person = await people.insert(makePerson());
    await people.getById(person.id);
    clock.advance(1_200);
    const renamed = await people.update({ ...person, name: 'new' });
    expect(await people.getById(person.id)).to.deep.equal(renamed);
    await opened.close();
  });

  it('that there is no row is known for a short time, and not behind an insert', async () => {
    const opened = await openCached(await database.freshUrl(), { terms: { ttl: 60_000, negativeTtl: 100 } });
    const { people, clock, sent } = opened;
    const person = makePerson();
    const ask = async () => [
      await people.findById(person.id),
      await people.findFirst({ email: person.email }),
    ];
    await ask();
    sent();
    expect(await ask()).to.deep.equal([undefined, undefined]);
    expect(sent()).to.equal(0);
    clock.advance(101);
    await ask();
    expect(sent()).to.equal(2);
    await people.insert(person);
    expect(await ask()).to.deep.equal([person, person]);
    await opened.close();
  });

  it('and what came together does not go together', async () => {
    const opened = await openCached(await database.freshUrl(), { terms: { ttl: 1_000, jitter: 0.5 } });
    const { people, clock, cache } = opened;
    const all = Array.from({ length: 50 }, () => makePerson());
    await people.insertMany(all);
    await Promise.all(all.map(({ id }) => people.getById(id)));
    const fresh = async () => {
      const told = await Promise.all(all.map(({ id }) => cache.explain('people', id)));
      return told.filter(({ answer }) => answer === 'hit').length;
    };
    clock.advance(499);
    expect(await fresh()).to.equal(50);
    clock.advance(251);
    expect(await fresh()).to.be.within(1, 49);
    clock.advance(251);
    expect(await fresh()).to.equal(0);
    await opened.close();
  });
});
