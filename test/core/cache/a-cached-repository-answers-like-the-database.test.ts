import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { makeNote, makePerson, openCached, type CachedDatabase } from './cached-fixture.ts';

describeOnEachDatabase('a cached repository', (database) => {
  let opened: CachedDatabase;

  beforeEach(async () => {
    opened = await openCached(await database.freshUrl());
  });

  afterEach(() => opened.close());

  it('asks the database once for each question, of whatever kind', async () => {
    const { people, notes, sent } = opened;
    const person = await people.insert(makePerson());
    await notes.insertMany([makeNote(person, 1), makeNote(person, 2), makeNote(person, 3)]);
    const questions = {
      findById: () => people.findById(person.id),
      getById: () => people.getById(person.id),
      'findFirst by a unique column': () => people.findFirst({ email: person.email }),
      findMany: () => notes.findMany({ person_id: person.id }, { orderBy: 'place desc', limit: 2 }),
      'findMany of columns': () => notes.findMany({ person_id: person.id }, { select: ['place'] }),
      page: () => notes.page({ person_id: person.id }, { orderBy: 'place', limit: 2 }),
      count: () => notes.count({ person_id: person.id }),
      exists: () => notes.exists({ text: 'note 2' }),
    };
    for (const [name, ask] of Object.entries(questions)) {
      sent();
      const first = await ask();
      const loads = sent();
      // getById is the question of findById.
      expect(loads, name).to.equal(name === 'getById' ? 0 : 1);
      expect(await ask(), name).to.deep.equal(first);
      expect(sent(), name).to.equal(0);
    }
    const after = await notes.page({ person_id: person.id }, { orderBy: 'place', limit: 2 });
    const next = await notes.page(
      { person_id: person.id },
      { orderBy: 'place', limit: 2, after: after.nextCursor },
    );
    expect(next.items.map(({ place }) => place)).to.deep.equal([3]);
  });

  it('sees each of its own writes at once, lists included', async () => {
    const { people, notes } = opened;
    const id = crypto.randomUUID();
    expect(await people.findById(id)).to.equal(undefined);
    expect(await people.count({})).to.equal(0);
    const person = await people.insert(makePerson({ id }));
    expect(await people.findById(id)).to.deep.equal(person);
    expect(await people.count({})).to.equal(1);
    const renamed = await people.update({ ...person, name: 'another' });
    expect(await people.findById(id)).to.deep.equal(renamed);
    expect(await people.findFirst({ name: 'another' })).to.deep.equal(renamed);
    const note = await notes.insert(makeNote(person, 1));
    expect(await notes.findMany({ person_id: id })).to.deep.equal([note]);
    await people.deleteById(id);
    expect(await people.findById(id)).to.equal(undefined);
    // By the cascade.
    expect(await notes.findById(note.id)).to.equal(undefined);
    expect(await notes.findMany({ person_id: id })).to.deep.equal([]);
  });

  it('sees what plain Kysely, a text and a batch write', async () => {
    const { people, provider } = opened;
    const person = await people.insert(makePerson());
    const name = async () => (await people.getById(person.id)).name;
    await name();
    await provider.db.updateTable('people').set({ name: 'k' }).where('id', '=', person.id).execute();
    expect(await name()).to.equal('k');
    await provider.exec('update people set name = ?', ['t']);
    expect(await name()).to.equal('t');
    await provider.batch([provider.db.updateTable('people').set({ name: 'b' })]);
    expect(await name()).to.equal('b');
    await provider.db.transaction().execute((tx) => tx.updateTable('people').set({ name: 'x' }).execute());
    expect(await name()).to.equal('x');
  });

  it('keeps other rows and other groups when one changes', async () => {
    const { people, notes, sent } = opened;
    const [one, other] = [await people.insert(makePerson()), await people.insert(makePerson())];
    const note = await notes.insert(makeNote(one, 1));
    await notes.insert(makeNote(other, 1));
    const ask = async () => {
      await people.getById(other.id);
      await notes.findMany({ person_id: other.id });
    };
    await ask();
    await people.update({ ...one, name: 'new' });
    await notes.insert(makeNote(one, 2));
    await notes.upsert({ ...makeNote(one, 3) });
    sent();
    await people.getById(other.id);
    expect(sent()).to.equal(0);
    expect(note.place).to.equal(1);
    const third = makeNote(one, 4);
    await notes.findMany({ person_id: other.id });
    await notes.insert(third);
    sent();
    await notes.findMany({ person_id: other.id });
    expect(sent()).to.equal(0);
  });

  it('gives frozen entities, and lists that are the callers own', async () => {
    const { people, notes } = opened;
    const person = await people.insert(makePerson());
    await notes.insertMany([makeNote(person, 1), makeNote(person, 2)]);
    for (let time = 0; time < 2; time += 1) {
      expect(await people.getById(person.id)).to.be.frozen;
      const list = await notes.findMany({ person_id: person.id });
      expect(list.every((each) => Object.isFrozen(each))).to.equal(true);
      list.reverse().pop();
    }
    expect(await notes.findMany({ person_id: person.id }, { orderBy: 'place' })).to.have.length(2);
    const [one, other] = await Promise.all([people.getById(person.id), people.getById(person.id)]);
    expect(one).to.equal(other);
  });

  it('reads the database in transactions, with a handle, in streams and by queries, and keeps nothing of that', async () => {
    const { people, provider, unitOfWork, cache, sent } = opened;
    const person = await people.insert(makePerson());
    const before = cache.stats().entries;
    await unitOfWork.run(async ({ repositories }) => {
      await repositories.people.update({ ...person, name: 'mine' });
      expect((await repositories.people.getById(person.id)).name).to.equal('mine');
      expect((await repositories.people.findMany({}))[0]?.name).to.equal('mine');
    });
    await provider.transaction((tx) => people.getById(person.id, { on: tx }));
    await people.getById(person.id, { on: provider.db });
    for await (const each of people.stream({})) expect(each.name).to.equal('mine');
    await people.query().selectAll().execute();
    expect(cache.stats().entries).to.equal(before);
    expect((await people.getById(person.id)).name).to.equal('mine');
    sent();
    await people.getById(person.id);
    expect(sent()).to.equal(0);
  });

  it('refuses the root handle inside of a transaction as it would without a cache', async () => {
    const { people, provider } = opened;
    const person = await people.insert(makePerson());
    await people.getById(person.id);
    const inside = await provider
      .transaction(async () => people.getById(person.id))
      .catch((error: unknown) => error);
    expect(inside).to.have.property('name', 'OutsideTransactionError');
  });
});
