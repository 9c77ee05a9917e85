import { expect } from 'chai';
import { describeOnEachDatabase } from '../../support/database.ts';
import { soakCount } from '../../support/engines.ts';
import { makePerson, openCached, type CachedDatabase } from './cached-fixture.ts';

/** Reads on until it is told to stop, and tells of each cached answer that is older than the database was before. */
async function check(
  { people, plainPeople }: CachedDatabase,
  id: string,
  isDone: () => boolean,
): Promise<number> {
  let violations = 0;
  while (!isDone()) {
    const { version } = await plainPeople.getById(id);
    const kept = await people.getById(id);
    const [listed] = await people.findMany({ id });
    const again = await people.getById(id);
    if (kept.version < version || listed!.version < kept.version || again.version < listed!.version)
      violations += 1;
  }
  return violations;
}

describeOnEachDatabase('no read is older than what another one has shown', (database) => {
  it('while commits are under way', async function () {
    this.timeout(120_000);
    const opened = await openCached(await database.freshUrl());
    const { plainPeople, unitOfWork, cache } = opened;
    let person = await plainPeople.insert(makePerson());
    let isDone = false;
    const checkers = Array.from({ length: 6 }, () => check(opened, person.id, () => isDone));
    for (let round = 0; round < soakCount(1_500); round += 1) {
      if (round % 2 === 0) person = await plainPeople.update({ ...person, name: `${round}` });
      else
        await unitOfWork.run(async ({ repositories }) => {
          person = await repositories.people.update({ ...person, name: `${round}` });
        });
      // Read twice: what is kept now is what the checkers are to find too old, if anything.
      for (let time = 0; time < 2; time += 1)
        expect((await opened.people.getById(person.id)).version).to.equal(person.version);
    }
    isDone = true;
    expect(await Promise.all(checkers)).to.deep.equal([0, 0, 0, 0, 0, 0]);
    expect(cache.stats().regions['people']!.hits).to.be.greaterThan(0);
    await opened.close();
  });
});
