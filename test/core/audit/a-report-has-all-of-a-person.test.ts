import { expect } from 'chai';
import type { SubjectEntry } from '../../../src/core/audit/index.ts';
import { ValidationError } from '../../../src/core/index.ts';
import { describeOnEachDatabase } from '../../support/database.ts';
import { pickSeed, seededRandom } from '../../support/seeded-random.ts';
import { gather, openTrail, randomEvent } from './trail-fixture.ts';

describeOnEachDatabase('a report on a person', (database) => {
  it('has all that the person did and all that was done to the person, each once and in order', async () => {
    const seed = pickSeed();
    const random = seededRandom(seed);
    await using trail = await openTrail(await database.freshUrl());
    await trail.record(...Array.from({ length: 80 }, () => randomEvent(random)), {
      action: 'update',
      actor: { type: 'user', id: 'ann' },
      entity: { type: 'user', id: 'ann' },
    });
    const all = await trail.entries();
    const also = { type: 'order', id: 'ben' };
    const wanted = all.flatMap((entry) => {
      const { actor, entity } = entry;
      const by = actor?.id === 'ann';
      const about = entity?.id === 'ann' || (entity?.type === also.type && entity.id === also.id);
      if (!by && !about) return [];
      return { ...entry, relations: [...(by ? ['by'] : []), ...(about ? ['about'] : [])] };
    });
    const lines = await gather(trail.log.subjectReport('ann', { also: [also] }));
    const report = lines.map((line) => JSON.parse(line) as SubjectEntry);
    // That somebody asked for it is recorded first, and is about the person too.
    expect(report.at(-1)).to.include({ action: 'audit.report' });
    expect(report.slice(0, -1), `seed ${seed}`).to.deep.equal(JSON.parse(JSON.stringify(wanted)));
    expect(wanted.some(({ relations }) => relations.length === 2)).to.equal(true);
  });

  it('refuses what is no person', async () => {
    await using trail = await openTrail(await database.freshUrl());
    expect(() => trail.log.subjectReport('')).to.throw(ValidationError);
    expect(() => trail.log.subjectReport('ann', { also: [{ type: 'order' }] as never })).to.throw(
      ValidationError,
    );
    expect(await trail.entries()).to.deep.equal([]);
  });
});
