import { expect } from 'chai';
import { cachedTarget } from '../../../src/core/cache/index.ts';
import { isLiminalDataError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { makePerson, openCached, peopleOf, type CachedDatabase, type People } from './cached-fixture.ts';
import { gateReads, type GatedReads } from './gated-reads.ts';

describeOnEachDatabase('many callers share one load', (database) => {
  let opened: CachedDatabase;
  let gated: GatedReads;
  let people: People;

  beforeEach(async () => {
    opened = await openCached(await database.freshUrl());
    gated = gateReads(opened.provider);
    people = peopleOf(cachedTarget(gated.provider, { cache: opened.cache, loadTimeout: 1_000 }));
  });

  afterEach(() => opened.close());

  const callers = Math.max(1_000, soakCount(1_000));
  const askAll = (ask: () => Promise<unknown>) => Promise.allSettled(Array.from({ length: callers }, ask));

  it('of a row and of a list', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    const rows = await askAll(() => people.getById(person.id));
    const lists = await askAll(() => people.findMany({ name: person.name }));
    expect(gated.sent).to.equal(2);
    expect(rows.every((row) => row.status === 'fulfilled' && (row.value as object) !== null)).to.equal(true);
    expect(lists.every((list) => list.status === 'fulfilled')).to.equal(true);
    const { misses, joined, loads } = opened.cache.stats().regions['people']!;
    expect({ misses, joined, loads }).to.deep.equal({
      misses: 2 * callers,
      joined: 2 * callers - 2,
      loads: 2,
    });
  });

  it('and its failure, which is not kept', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    gated.failure = new Error('the database is away');
    const failed = await askAll(() => people.getById(person.id));
    expect(failed.every((each) => each.status === 'rejected' && each.reason === gated.failure)).to.equal(
      true,
    );
    expect(gated.sent).to.equal(1);
    gated.failure = undefined;
    expect(await people.getById(person.id)).to.deep.equal(person);
    expect(gated.sent).to.equal(2);
  });

  it('and none waits for ever for one that hangs', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    const open = gated.close();
    const hanging = askAll(() => people.getById(person.id));
    await opened.clock.runUntil(hanging, { step: 100 });
    for (const each of await hanging)
      expect(
        each.status === 'rejected' && isLiminalDataError(each.reason, 'LIMINAL_CACHE_LOAD_TIMEOUT'),
      ).to.equal(true);
    open();
    expect(await people.getById(person.id)).to.deep.equal(person);
    expect(gated.sent).to.equal(2);
    expect(opened.clock.pending).to.equal(0);
  });

  it('and one who leaves early leaves the others their answer', async () => {
    const person = await opened.plainPeople.insert(makePerson());
    const open = gated.close();
    const stays = people.getById(person.id);
    const left = await Promise.race([people.getById(person.id), Promise.resolve('left')]);
    open();
    expect(left).to.equal('left');
    expect(await stays).to.deep.equal(person);
    expect(gated.sent).to.equal(1);
  });
});
