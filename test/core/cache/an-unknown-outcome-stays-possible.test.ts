import { expect } from 'chai';
import { postgresBus } from '../../../src/core/cache/index.ts';
import { outside } from '../../../src/core/index.ts';
import { bindForeignWrites } from '../../../src/core/provider/foreign-writes.ts';
import { describeOnDatabase } from '../../support/database.ts';
import { rejectionOf } from '../../support/rejection.ts';
import { until } from '../../support/until.ts';
import { makePerson, openCached } from './cached-fixture.ts';

describeOnDatabase('postgres', 'a write whose caller has left', (database) => {
  it('may land for as long as is said: until then nothing that it touches is kept, nor read from who is behind it', async () => {
    const opened = await openCached(await database.freshUrl(), { bus: postgresBus });
    const { provider, people, plainPeople, cache, clock } = opened;
    const [one, other] = [await people.insert(makePerson()), await people.insert(makePerson())];
    const answerFor = async ({ id }: { readonly id: string }) => {
      await people.getById(id);
      return (await cache.explain('people', id)).answer;
    };
    await until(async () => (await answerFor(one)) === 'hit' && (await answerFor(other)) === 'hit');
    let asked = 0;
    bindForeignWrites(provider, () => {
      asked += 1;
    });
    const leaving = new AbortController();
    const update = provider.db.updateTable('people').set({ name: 'new' }).where('id', '=', one.id).compile();
    // It waits for the row, and its caller does not.
    await provider.transaction(async (tx) => {
      await plainPeople.update({ ...one, name: 'held' }, { on: tx });
      const waiting = 'select 1 from pg_locks where not granted';
      const writing = outside(() => provider.direct!.execute(update, { signal: leaving.signal }));
      await until(async () => (await outside(() => provider.query(waiting))).length > 0);
      leaving.abort(new Error('the caller has left'));
      expect(await rejectionOf(writing)).to.have.property('message', 'the caller has left');
    });
    await until(async () => (await plainPeople.getById(one.id)).name === 'new');
    expect(await people.getById(one.id)).to.include({ name: 'new' });
    expect(await answerFor(one)).to.equal('uncached');
    expect(await answerFor(other)).to.equal('hit');
    clock.advance(59_999);
    expect(await answerFor(one)).to.equal('uncached');
    expect(asked).to.equal(0);
    clock.advance(1);
    expect(asked).to.equal(1);
    await until(async () => (await answerFor(one)) === 'hit');
    expect(await people.getById(one.id)).to.include({ name: 'new' });
    await opened.close();
  });
});
