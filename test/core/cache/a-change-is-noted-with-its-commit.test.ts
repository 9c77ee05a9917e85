import { expect } from 'chai';
import { CompiledQuery } from 'kysely';
import { describeOnEachDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { makePerson, openCached } from './cached-fixture.ts';

describeOnEachDatabase('a change is noted with its commit', (database) => {
  it('by the journal, for whoever brings it to another cache', async () => {
    const opened = await openCached(await database.freshUrl(), {
      cache: {
        uncached: ['changes'],
        journal: (slots) => [
          CompiledQuery.raw(`insert into changes (slots) values ('${JSON.stringify(slots)}')`),
        ],
      },
    });
    const { provider, people, plainPeople, unitOfWork, cache } = opened;
    await provider.db.schema.createTable('changes').addColumn('slots', 'text').execute();
    const noted = async () => {
      const rows = await provider.query<{ slots: string }>('select slots from changes');
      await provider.exec('delete from changes');
      return rows.map(({ slots }) => JSON.parse(slots) as number[]);
    };
    // The new table is known before long; until then its writes may mean anything.
    await until(async () => (await noted()).length + (await noted()).length === 0);
    const person = await people.insert(makePerson());
    expect(await noted(), 'a lone write').to.have.length(1);
    await unitOfWork.run(async ({ repositories }) => {
      await repositories.people.update({ ...person, name: 'one' });
      await repositories.people.insert(makePerson());
    });
    const [slots] = await noted();
    expect(slots, 'a unit of work').to.have.length.greaterThan(2);
    await provider.transaction(async () => cache.invalidate({ tags: ['a'] }));
    expect(await noted(), 'by hand, in a transaction').to.have.length(1);
    await cache.invalidate({ tags: ['a'] });
    expect(await noted(), 'by hand').to.have.length(1);
    await cache.invalidate({ namespace: 'people' });
    const [moved] = await noted();
    expect(moved, 'a whole namespace, however much it holds').to.have.length(1);
    const undone = unitOfWork.run(async ({ repositories, db }) => {
      await repositories.people.insert(makePerson());
      await cache.invalidate({ tags: ['a'] }, { on: db });
      throw new Error('on purpose');
    });
    await undone.catch(() => {});
    await plainPeople.findMany({});
    expect(await noted(), 'what is undone or only read').to.deep.equal([]);

    await people.getById(person.id);
    expect((await cache.explain('people', person.id)).answer).to.equal('hit');
    await cache.apply(slots!);
    await cache.apply(slots!);
    expect((await cache.explain('people', person.id)).answer).to.equal('miss');
    await opened.close();
  });
});
